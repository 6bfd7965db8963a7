"""What is read of a table for all who want it: once, however many ask meanwhile, and again when it is too old.

A read that fails leaves what was there. Knows nothing of HTTP.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Generic, Protocol, TypeVar

from faust_redis.log import Position


class Dated(Protocol):
    """What is true for a position."""

    @property
    def position(self) -> Position:
        """Everything below it is in there."""


T = TypeVar("T", bound=Dated)


class SingleFlightCache(Generic[T]):
    """What was read last, and the read that is under way.

    Attributes:
        last: None until the first read.
    """

    def __init__(self, read: Callable[[], Coroutine[Any, Any, T]]) -> None:
        self.last: T | None = None
        self._read = read
        self._reading: asyncio.Task[T] | None = None

    async def at(self, at_least: Position) -> T:
        """It as of a position or later."""
        kept = self.last
        if kept is None or not covers(kept.position, at_least):
            kept = await self._anew()
            if not covers(kept.position, at_least):  # it had begun too early; the next has not
                kept = await self._anew()
        return kept

    async def settled(self) -> None:
        """Wait until no read is under way that began before now."""
        if self._reading is not None:
            await asyncio.wait({self._reading})

    async def _anew(self) -> T:
        """What comes of the read under way, or of a new one: one for all who wait."""
        if self._reading is None:
            self._reading = asyncio.create_task(self._keep())
        return await asyncio.shield(self._reading)

    async def _keep(self) -> T:
        try:
            self.last = await self._read()
        finally:
            self._reading = None
        return self.last


def covers(position: Position, wanted: Position) -> bool:
    """Whether what is true for a position has everything below another one."""
    if position.epoch != wanted.epoch:
        return False
    stands = position.offsets
    for partition, offset in wanted.offsets.items():  # noqa: SIM110 - asked for each who watches; `all` takes twice as long
        if stands.get(partition, 0) < offset:
            return False
    return True
