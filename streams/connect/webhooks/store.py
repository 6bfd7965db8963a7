"""Subscriptions, read positions and deliveries in the database.

Deliveries and the position up to which they were read are written in one transaction, so each event becomes a delivery
once. All methods raise SQLAlchemy's errors while the database is away.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from faust_redis.log import TopicPartition
from sqlalchemy import Row, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from streams.connect.webhooks.schedule import next_attempt_us
from streams.connect.webhooks.tables import WebhookTables

ERROR_CHARS_MAX = 256


class Webhook(NamedTuple):
    """A subscription. `role` is the role of its owner now."""

    id: str
    account_id: str
    url: str
    sealed_secret: bytes
    types: frozenset[str]
    role: str


class Place(NamedTuple):
    """How far a subscription has read a partition: the next offset, in an epoch of the topic."""

    epoch: str
    next_offset: int


class Delivery(NamedTuple):
    """An event that a subscription waits for."""

    webhook_id: str
    event_id: str
    type: str
    body: bytes
    attempts: int


class WebhookStore:
    """The tables of webhooks in one database."""

    def __init__(
        self, engine: AsyncEngine, tables: WebhookTables, accounts: Any, *, reading: AsyncEngine | None = None
    ) -> None:
        """Use a database.

        Args:
            engine: The database; its transactions may write.
            tables: The tables of webhooks.
            accounts: The table of accounts, with `id`, `role` and `status`.
            reading: The same database with the options of transactions that only read. Each read is one statement.
        """
        self._engine, self._reading = engine, reading or engine
        self._tables, self._accounts = tables, accounts

    async def lead(self, holder: str, now_us: int, until_us: int) -> bool:
        """Take or renew the lead until a time. Return False while another process has it."""
        table = self._tables.leader
        mine = (table.c.until_us <= now_us) | (table.c.holder == holder)
        async with self._engine.begin() as connection:
            taken = await connection.execute(update(table).where(mine).values(holder=holder, until_us=until_us))
            return bool(taken.rowcount)

    async def subscriptions(self) -> list[Webhook]:
        """Return the subscriptions of active accounts."""
        hooks, accounts = self._tables.hooks, self._accounts
        wanted = (
            select(hooks, accounts.c.role)
            .join(accounts, hooks.c.account_id == accounts.c.id)
            .where(accounts.c.status == "active")
            .order_by(hooks.c.id)
        )
        async with self._reading.connect() as connection:
            return [_webhook(row) for row in await connection.execute(wanted)]

    async def places(self, webhook_id: str) -> dict[TopicPartition, Place]:
        """Return how far a subscription has read."""
        table = self._tables.positions
        async with self._reading.connect() as connection:
            rows = await connection.execute(select(table).where(table.c.webhook_id == webhook_id))
            return {TopicPartition(row.topic, row.partition): Place(row.epoch, row.next_offset) for row in rows}

    async def take(
        self, webhook_id: str, deliveries: Sequence[Delivery], places: Mapping[TopicPartition, Place], now_us: int
    ) -> None:
        """Add deliveries, and note how far the subscription has read, in one transaction."""
        async with self._engine.begin() as connection:
            for delivery in deliveries:
                if not await self._known(connection, delivery):
                    row = {**delivery._asdict(), "created_us": now_us, "next_us": now_us}
                    await connection.execute(insert(self._tables.deliveries).values(row))
            for tp, place in places.items():
                await self._move(connection, webhook_id, tp, place)

    async def _known(self, connection: AsyncConnection, delivery: Delivery) -> bool:
        table = self._tables.deliveries
        mine = (table.c.webhook_id == delivery.webhook_id) & (table.c.event_id == delivery.event_id)
        return (await connection.execute(select(table.c.attempts).where(mine))).first() is not None

    async def _move(self, connection: AsyncConnection, webhook_id: str, tp: TopicPartition, place: Place) -> None:
        table = self._tables.positions
        mine = (table.c.webhook_id == webhook_id) & (table.c.topic == tp.topic) & (table.c.partition == tp.partition)
        moved = await connection.execute(update(table).where(mine).values(place._asdict()))
        if not moved.rowcount:
            row = {"webhook_id": webhook_id, "topic": tp.topic, "partition": tp.partition, **place._asdict()}
            await connection.execute(insert(table).values(row))

    async def due(self, now_us: int, webhook_ids: Sequence[str], rows_max: int) -> list[Delivery]:
        """Return deliveries of some subscriptions whose next attempt is due, the longest due first."""
        table = self._tables.deliveries
        columns = [table.c[name] for name in Delivery._fields]
        due = (table.c.next_us <= now_us) & table.c.webhook_id.in_(webhook_ids)
        wanted = select(*columns).where(due).order_by(table.c.next_us, table.c.event_id).limit(rows_max)
        async with self._reading.connect() as connection:
            return [Delivery(*row) for row in await connection.execute(wanted)]

    async def delivered(self, delivery: Delivery) -> None:
        """Forget a delivery that its receiver has taken."""
        async with self._engine.begin() as connection:
            await connection.execute(delete(self._tables.deliveries).where(self._is(delivery)))

    async def failed(self, delivery: Delivery, error: str, now_us: int) -> bool:
        """Note a failed attempt. Return whether the delivery is given up."""
        attempts = delivery.attempts + 1
        next_us = next_attempt_us(attempts, now_us)
        values = {"attempts": attempts, "next_us": next_us, "last_error": error[:ERROR_CHARS_MAX]}
        async with self._engine.begin() as connection:
            await connection.execute(update(self._tables.deliveries).where(self._is(delivery)).values(values))
        return next_us is None

    def _is(self, delivery: Delivery) -> Any:
        table = self._tables.deliveries
        return (table.c.webhook_id == delivery.webhook_id) & (table.c.event_id == delivery.event_id)


def _webhook(row: Row[Any]) -> Webhook:
    return Webhook(row.id, row.account_id, row.url, row.sealed_secret, frozenset(row.types), row.role)
