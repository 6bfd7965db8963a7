"""One listener of a follower: holds what it has not sent yet, at most one change a row and never more than a bound.

Whoever is slow is conflated first and told to start afresh after that; it never makes the follower wait.
"""

from __future__ import annotations

import asyncio
from enum import StrEnum

from api.feeds.change import Change, RowKey
from streams.log import Position

PENDING_CHANGES_MAX = 10_000


class Lost(StrEnum):
    """Why a subscriber cannot go on from where it is."""

    SLOW = "slow"  # it did not read fast enough
    EPOCH = "epoch"  # the topic was re-created
    TRIMMED = "trimmed"  # the records in between are no longer kept
    AHEAD = "ahead"  # its position lies beyond the end of the topic: the broker was rolled back
    BEHIND = "behind"  # catching up would cost more than a new snapshot
    MALFORMED = "malformed"  # its position cannot be read
    BROKER = "broker"  # the broker could not be reached in between


class Subscriber:
    """Changes on the way to one client.

    Attributes:
        floor: Changes below it are known already: they are in the snapshot, or were sent before.
        lost: Set when it has to start afresh.
    """

    def __init__(self, channels: frozenset[str] | None = None, *, pending_max: int = PENDING_CHANGES_MAX) -> None:
        self.channels = channels
        self.floor: Position | None = None
        self.lost: Lost | None = None
        self.conflated = 0
        self._pending: dict[RowKey, Change] = {}
        self._pending_max = pending_max
        self._wake = asyncio.Event()

    def wants(self, change: Change) -> bool:
        """Whether the change is on one of its channels."""
        return self.channels is None or change.channel in self.channels

    def at_least(self, position: Position) -> Position:
        """The position, or the floor where that is higher."""
        if self.floor is None or self.floor.epoch != position.epoch:
            return position
        known = self.floor.offsets
        return Position(
            position.topic, position.epoch, {p: max(o, known.get(p, 0)) for p, o in position.offsets.items()}
        )

    def _known(self, change: Change) -> bool:
        return self.floor is not None and change.offset < self.floor.offsets.get(change.partition, 0)

    def offer(self, change: Change) -> None:
        """Take a change in; it replaces an older one of the same row."""
        if self.lost is not None or self._known(change):
            return
        held = self._pending.get(change.key)
        if held is not None:
            if held.offset >= change.offset:
                return
            self.conflated += 1
        elif len(self._pending) >= self._pending_max:
            self.lose(Lost.SLOW)
            return
        self._pending[change.key] = change
        self._wake.set()

    def take(self) -> list[Change]:
        """All that is pending."""
        pending, self._pending = self._pending, {}
        if self.lost is None:
            self._wake.clear()
        return [change for change in pending.values() if not self._known(change)]

    def lose(self, why: Lost) -> None:
        """It has to start afresh; what is pending is dropped."""
        self.lost = self.lost or why
        self._pending.clear()
        self._wake.set()

    def restart(self) -> None:
        """Begin afresh, before a new snapshot is read."""
        self.lost = None
        self.floor = None
        self._pending.clear()
        self._wake.clear()

    def wake(self) -> None:
        """Make `wait` return."""
        self._wake.set()

    async def wait(self, timeout_s: float) -> bool:
        """Wait until there is something to do; False when nothing came in time."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._wake.wait()
        except TimeoutError:
            return False
        return True
