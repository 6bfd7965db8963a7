"""A cache of one value that concurrent callers share: one read for all of them, and a new one when it is too old.

A read that fails leaves the old value. Independent of HTTP.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Generic, Protocol, TypeVar

from faust_redis.log import Position


class Dated(Protocol):
    """A value with its position."""

    @property
    def position(self) -> Position:
        """Return the position; all records below it are part of the value."""


T = TypeVar("T", bound=Dated)


class SingleFlightCache(Generic[T]):
    """The value that was read last, and the read in flight.

    Attributes:
        last: The value; None until the first read.
    """

    def __init__(self, read: Callable[[], Coroutine[Any, Any, T]]) -> None:
        self.last: T | None = None
        self._read = read
        self._reading: asyncio.Task[T] | None = None

    async def at(self, at_least: Position) -> T:
        """Return the value as of a position or later."""
        value = self.last
        if value is None or not covers(value.position, at_least):
            value = await self._read_shared()
            if not covers(
                value.position, at_least
            ):  # that read had begun before this call; the next one begins after it
                value = await self._read_shared()
        return value

    async def settled(self) -> None:
        """Wait until no read is in flight that began before this call."""
        if self._reading is not None:
            await asyncio.wait({self._reading})

    async def _read_shared(self) -> T:
        """Return the result of the read in flight, or of a new one. All waiting callers share it."""
        if self._reading is None:
            self._reading = asyncio.create_task(self._read_and_store())
        return await asyncio.shield(self._reading)

    async def _read_and_store(self) -> T:
        try:
            self.last = await self._read()
        finally:
            self._reading = None
        return self.last


def covers(position: Position, at_least: Position) -> bool:
    """Return whether a value at `position` includes all records below `at_least`."""
    if position.epoch != at_least.epoch:
        return False
    offsets = position.offsets
    for partition, offset in at_least.offsets.items():  # noqa: SIM110 - called for each subscriber; `all` takes twice as long
        if offsets.get(partition, 0) < offset:
            return False
    return True
