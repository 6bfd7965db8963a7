"""Define the protocols through which the delivery parts use the consumer, which Faust pauses, resumes and stops."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, Protocol

from faust.types import TP, Message


class Flow(Protocol):
    """The consumer as Faust controls it."""

    flow_active: bool
    """False from the beginning of a rebalance until recovery resumes the flow."""

    @property
    def should_stop(self) -> bool:
        """Return whether the consumer is to stop."""

    @property
    def active(self) -> set[TP]:
        """Return the partitions that are neither paused nor full."""

    @property
    def full(self) -> set[TP]:
        """Return the partitions whose agent's queue is full."""

    async def wait_until_suspended(self) -> None:
        """Wait until the flow stops."""

    async def wait_until_resumed(self) -> None:
        """Wait until the flow resumes."""

    async def hand_to_conductor(self, message: Message) -> None:
        """Hand a message to all its agents through Faust's conductor."""

    def spawn(self, work: Coroutine[Any, Any, Any]) -> asyncio.Future[Any]:
        """Run a coroutine as a task of the consumer, which ends with the consumer."""

    async def crash(self, reason: BaseException) -> None:
        """End the worker with an error."""


class Capacity(Protocol):
    """Shows when too many records wait for their commit."""

    @property
    def is_full(self) -> bool:
        """Return whether agents should pause."""

    async def wait_for_capacity(self) -> None:
        """Wait until agents may continue, or until a time limit passes."""
