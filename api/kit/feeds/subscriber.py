"""One subscriber of a follower: the changes that were not sent yet, at most one of each row, bounded in number.

A slow subscriber first gets conflated changes, and then has to start again. It never makes the follower wait.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from enum import StrEnum
from time import monotonic
from typing import Final

from faust_redis.log import Position

from api.kit.feeds.change import Change, Changes
from api.kit.feeds.feed_offset import FeedOffset

NOTHING: Final = Changes()


class ResyncReason(StrEnum):
    """Why a subscriber has to start again."""

    SLOW = "slow"  # the client did not read fast enough
    EPOCH = "epoch"  # the topic was re-created
    TRIMMED = "trimmed"  # the records in between are no longer kept
    ROLLED_BACK = "rolled_back"  # the broker was restored to an earlier state
    BEHIND = "behind"  # catching up would cost more than a new snapshot
    MALFORMED = "malformed"  # the client's `id` cannot be read
    FAILED = "failed"  # the feed failed; the process's log says why


class Subscriber:
    """The pending changes of one client.

    A subscriber that keeps up uses the object that all subscribers share. When more changes arrive before it has taken
    that object, it makes a copy.

    Attributes:
        floor: The client knows all changes below it, from a snapshot or from before. None once all new ones are above
            it.
        lost: Why the subscriber has to start again; None while it need not.
        conflated: How many changes were replaced by a newer one of their row before they were sent.
        since_s: When the oldest pending change was added, by the monotonic clock.
    """

    def __init__(self, channels: frozenset[str] | None, *, pending_max: int) -> None:
        self.channels = channels
        self.floor: Position | None = None
        self.lost: ResyncReason | None = None
        self.conflated = 0
        self.since_s = 0.0
        self._pending = NOTHING
        self._shared = True
        self._pending_max = pending_max
        self._wake = asyncio.Event()

    @property
    def pending(self) -> int:
        """Return how many changes wait."""
        return len(self._pending)

    def wants(self, change: Change) -> bool:
        """Return whether a change belongs to one of the subscriber's channels."""
        return self.channels is None or not self.channels.isdisjoint(change.channels)

    def know(self, position: Position) -> None:
        """Note that the client knows all changes below a position, from a snapshot."""
        self.floor = position
        if self._pending:
            self._copy_pending(change for change in self._pending if not self._known(change))

    def resume_id(self, delivered: FeedOffset) -> str:
        """Return the tag of an event after which the client knows all delivered changes, and all below the floor."""
        if self.floor is not None:
            above = delivered.above(self.floor)
            if above is not None:
                return above
            self.floor = None  # all later deliveries are above it
        return delivered.tag(delivered.position)

    def _known(self, change: Change) -> bool:
        return self.floor is not None and change.offset < self.floor.offsets.get(change.partition, 0)

    def offer(self, changes: Changes) -> None:
        """Add changes, and make `wait` return."""
        if self.add(changes):
            self.wake()

    def add(self, changes: Changes) -> bool:
        """Add changes; each replaces an older one of its row. Return whether `wake` is needed."""
        if self.lost is not None:
            return False
        if self.floor is not None and any(self._known(change) for change in changes):
            changes = Changes(change for change in changes if not self._known(change))
        if not changes:
            return False
        if not self._pending:
            self.since_s = monotonic()
            self._pending, self._shared = changes, True
        else:
            if self._shared:
                self._copy_pending(self._pending)
            for change in changes:
                self._pending.add(change)
        if len(self._pending) > self._pending_max:
            self.lose(ResyncReason.SLOW)
        return True

    def restore_order(self) -> None:
        """Put what is pending in the order of the offsets, after older changes were offered behind newer ones."""
        if not self._shared:
            self._copy_pending(sorted(self._pending, key=lambda change: (change.partition, change.offset)))

    def _copy_pending(self, changes: Iterable[Change]) -> None:
        """Copy these changes into an object that is not shared."""
        conflated = self._pending.conflated
        self._pending, self._shared = Changes(changes), False
        self._pending.conflated = conflated

    def take(self) -> Changes:
        """Return and remove all pending changes."""
        taken, self._pending = self._pending, NOTHING
        self.conflated += taken.conflated
        if self.lost is None:
            self._wake.clear()
        return taken

    def lose(self, why: ResyncReason) -> None:
        """Make the subscriber start again; drop what is pending."""
        self.lost = self.lost or why
        self._pending = NOTHING
        self._wake.set()

    def restart(self) -> None:
        """Start again, before a new snapshot is read."""
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
