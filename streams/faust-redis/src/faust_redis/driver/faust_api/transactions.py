"""Provide Faust's transaction manager for apps that set `exactly_once`. Each commit of the driver is already atomic."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from faust.transport import consumer as base
from faust.types import TP


class TransactionManager(base.TransactionManager):
    """Forwards sends to the producer and commits to the consumer."""

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Do nothing. The consumer has committed or dropped all outputs."""

    async def on_rebalance(self, assigned: set[TP], revoked: set[TP], newly_assigned: set[TP]) -> None:
        """Do nothing. The driver has no transaction to begin."""

    async def send(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        partition: int | None,
        timestamp: float | None,
        headers: Any,
        *,
        transactional_id: str | None = None,
    ) -> Any:
        """Queue a record with the event that produces it."""
        return await self.producer.send(topic, key, value, partition, timestamp, headers)

    async def send_and_wait(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        partition: int | None,
        timestamp: float | None,
        headers: Any,
        *,
        transactional_id: str | None = None,
    ) -> Any:
        """Queue a record; see `Producer.send_and_wait`."""
        return await self.producer.send_and_wait(topic, key, value, partition, timestamp, headers)

    async def commit(self, offsets: Mapping[TP, int], start_new_transaction: bool = True) -> bool:
        """Commit finished events."""
        return await self.consumer.commit()
