"""One listener of a follower: holds what it has not sent yet, at most one change a row and never more than a bound.

Whoever is slow is conflated first and told to start afresh after that; it never makes the follower wait.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from enum import StrEnum
from typing import Final

from faust_redis.log import Position

from api.kit.feeds.change import Change, Changes
from api.kit.feeds.feed_offset import FeedOffset

NOTHING: Final = Changes()


class ResyncReason(StrEnum):
    """Why a subscriber cannot go on from where it is."""

    SLOW = "slow"  # it did not read fast enough
    EPOCH = "epoch"  # the topic was re-created
    TRIMMED = "trimmed"  # the records in between are no longer kept
    ROLLED_BACK = "rolled_back"  # what it knows is gone: the broker was restored to an earlier state
    BEHIND = "behind"  # catching up would cost more than a new snapshot
    MALFORMED = "malformed"  # its position cannot be read
    FAILED = "failed"  # the feed could not go on; the API's own log says why


class Subscriber:
    """Changes on the way to one client.

    As long as it keeps up it holds what was handed out to all, as it is; only when more comes before that was taken, it
    makes changes of its own of them.

    Attributes:
        floor: Changes below it are known already: they are in the snapshot, or were sent before. None once whatever
            comes lies above it.
        lost: Set when it has to start afresh.
        conflated: Changes that were not told because a newer one of their row was.
    """

    def __init__(self, channels: frozenset[str] | None, *, pending_max: int) -> None:
        self.channels = channels
        self.floor: Position | None = None
        self.lost: ResyncReason | None = None
        self.conflated = 0
        self._pending = NOTHING
        self._shared = True
        self._pending_max = pending_max
        self._wake = asyncio.Event()

    def wants(self, change: Change) -> bool:
        """Whether the change is on one of its channels."""
        return self.channels is None or not self.channels.isdisjoint(change.channels)

    def know(self, position: Position) -> None:
        """It has been told everything below the position by other means: a snapshot."""
        self.floor = position
        if self._pending:
            self._hold(change for change in self._pending if not self._known(change))

    def told(self, reached: FeedOffset) -> str:
        """The `id` of an event after which it knows all that was handed out, and what it was told by other means."""
        if self.floor is not None:
            above = reached.above(self.floor)
            if above is not None:
                return above
            self.floor = None  # whatever is handed out from now on lies above it
        return reached.tag(reached.position)

    def _known(self, change: Change) -> bool:
        return self.floor is not None and change.offset < self.floor.offsets.get(change.partition, 0)

    def offer(self, changes: Changes) -> None:
        """Take changes in; each replaces an older one of its row."""
        if self.lost is not None:
            return
        if self.floor is not None and any(self._known(change) for change in changes):
            changes = Changes(change for change in changes if not self._known(change))
        if not changes:
            return
        if not self._pending:
            self._pending, self._shared = changes, True
        else:
            if self._shared:
                self._hold(self._pending)
            for change in changes:
                self._pending.add(change)
        if len(self._pending) > self._pending_max:
            self.lose(ResyncReason.SLOW)
        self._wake.set()

    def _hold(self, changes: Iterable[Change]) -> None:
        """Hold these in an object that nobody else has."""
        conflated = self._pending.conflated
        self._pending, self._shared = Changes(changes), False
        self._pending.conflated = conflated

    def take(self) -> Changes:
        """All that is pending."""
        taken, self._pending = self._pending, NOTHING
        self.conflated += taken.conflated
        if self.lost is None:
            self._wake.clear()
        return taken

    def lose(self, why: ResyncReason) -> None:
        """It has to start afresh; what is pending is dropped."""
        self.lost = self.lost or why
        self._pending = NOTHING
        self._wake.set()

    def restart(self) -> None:
        """Begin afresh, before a new snapshot is read."""
        self.lost = None
        self.floor = None
        self._pending = NOTHING
        self._wake.clear()

    def wake(self) -> None:
        """Make `wait` return."""
        self._wake.set()

    async def wait(self) -> None:
        """Wait until there is something to do."""
        await self._wake.wait()
