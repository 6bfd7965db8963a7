"""Follow one topic for all subscribers: one task and one connection, whatever their number. Independent of HTTP.

A follower reads only while it has subscribers, and survives broker restarts. It makes its subscribers
start again when the topic is another one: re-created, or without the records that were delivered last.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence

from faust_redis.log import (
    DamagedPartitionError,
    Log,
    LogError,
    LogUnavailableError,
    Position,
    ResizingError,
    StoredRecord,
    TopicPartition,
    UnknownTopicError,
)

from api.kit.feeds.change import Change, Changes, Read
from api.kit.feeds.event import FeedEvent
from api.kit.feeds.feed_offset import FeedOffset, name
from api.kit.feeds.resume_ids import ResumeIds
from api.kit.feeds.subscriber import ResyncReason, Subscriber

READ_RECORDS_MAX = 1_000  # of each partition at a time
ROUND_S = 0.025
"""Pause between two reads that found something. It bounds how often all subscribers are served."""

WAKES_AT_ONCE = 50
"""Each subscriber that is woken sends at once, which takes some 0.1 ms. So other requests wait for 5 ms at most."""

BLOCK_MS = 1_000  # how long a read waits for records; then the epoch is checked again
CATCH_UP_RECORDS_MAX = 10_000  # with more records than this, a new snapshot is cheaper
READ_LEASE_MS = 60_000  # how long records that a stalled process has yet to read are kept
LEASE_RENEWAL_S = 10.0
RETRY_FIRST_S = 0.05
RETRY_MAX_S = 1.0
OPEN_TIMEOUT_S = 5.0
DAMAGED_RETRY_S = 30.0  # how long a damaged partition is left out before it is tried again

logger = logging.getLogger(__name__)


ByChannel = Mapping[str | None, Changes]
"""Changes by channel, for channels with subscribers; None means all channels."""

Prepare = Callable[[ByChannel, Position], Awaitable[None]]


async def _nothing(_changes: ByChannel, _since: Position) -> None:
    """Prepare nothing, as most feeds do."""


class Follower:
    """Reads a topic from its end on and hands each change to the subscribers of its channels.

    Attributes:
        delivered: The position up to which changes were delivered; None while the follower does not read.
        prepare: Called before a delivery, with the changes by channel and the position that they follow.
        on_stop: Called when the follower stops reading: caches of the topic may be stale when it reads again.
        ids: Seals and opens the ids of the feed's events.
        stalled: Whether the broker cannot be reached, or the topic does not exist yet.
    """

    def __init__(self, log: Log, topic: str, read: Read, ids: ResumeIds, round_s: float = ROUND_S) -> None:
        self.log = log
        self.ids = ids
        self._damaged: dict[TopicPartition, float] = {}
        self.round_s = round_s
        self.topic = topic
        self.read = read
        self.delivered: FeedOffset | None = None
        self.prepare: Prepare = _nothing
        self.on_stop: Callable[[], None] = lambda: None
        self._delta = FeedEvent("delta", b"", "")
        self.stalled = False
        self.subscribers: set[Subscriber] = set()
        self._listeners: dict[str | None, set[Subscriber]] = {}
        self._name = f"feed-{secrets.token_hex(6)}"
        self._renewed_s = 0.0
        self._has_subscribers = asyncio.Event()
        self._reading = asyncio.Event()

    # --- subscribers --------------------------------------------------------------------------------------------------

    async def join(self, subscriber: Subscriber) -> None:
        """Add a subscriber. When this returns, the subscriber gets every later change.

        Raises:
            LogUnavailableError: when the topic cannot be read just now.
        """
        self.subscribers.add(subscriber)
        for channel in subscriber.channels or {None}:
            self._listeners.setdefault(channel, set()).add(subscriber)
        self._has_subscribers.set()
        try:
            await self.reading()
        except BaseException:
            self.leave(subscriber)
            raise

    async def reading(self) -> Position:
        """Wait until the follower reads, and return its position. Subscribers get every change from there on.

        Raises:
            LogUnavailableError: when that takes longer than `OPEN_TIMEOUT_S`.
        """
        try:
            async with asyncio.timeout(OPEN_TIMEOUT_S):
                await self._reading.wait()
                while (delivered := self.delivered) is None:  # the follower stopped in between
                    await self._reading.wait()
                return delivered.position
        except TimeoutError:
            raise LogUnavailableError(f"topic {self.topic!r} cannot be read just now") from None

    def leave(self, subscriber: Subscriber) -> None:
        """Remove a subscriber."""
        self.subscribers.discard(subscriber)
        for channel in subscriber.channels or {None}:
            listeners = self._listeners.get(channel, set())
            listeners.discard(subscriber)
            if not listeners:
                self._listeners.pop(channel, None)
        if not self.subscribers:
            self._has_subscribers.clear()

    def delta(self, data: bytes, tag: str) -> FeedEvent:
        """Return a delta event. The last one is cached, for subscribers that are sent the same."""
        if self._delta.data is not data or self._delta.id != tag:
            self._delta = FeedEvent("delta", data, tag)
        return self._delta

    # --- catching up --------------------------------------------------------------------------------------------------

    async def catch_up(
        self, subscriber: Subscriber, since: Position, evidence: str | None = None
    ) -> ResyncReason | None:
        """Offer a subscriber all changes from `since` until now. Return why that is impossible, if it is."""
        if why := await self._reason_to_resync(since, evidence):
            return why
        ends = await self.log.end_offsets(self.topic)
        if any(offset > ends[p] for p, offset in since.offsets.items()):
            return ResyncReason.ROLLED_BACK
        if sum(ends[p] - offset for p, offset in since.offsets.items()) > CATCH_UP_RECORDS_MAX:
            return ResyncReason.BEHIND
        subscriber.know(since)  # the client may have later changes from another process
        at = dict(since.offsets)
        while behind := {TopicPartition(self.topic, p): o for p, o in at.items() if o < ends[p]}:
            found = await self.log.fetch(behind, count=READ_RECORDS_MAX)
            for tp, offset in behind.items():
                records = found.get(tp, ())
                if not records or records[0].offset != offset:
                    return ResyncReason.TRIMMED
                at[tp.partition] = records[-1].offset + 1
                changes = self.changes(tp.partition, records)
                subscriber.offer(Changes(change for change in changes if subscriber.wants(change)))
        subscriber.restore_order()
        subscriber.floor = Position(self.topic, since.epoch, at)
        return subscriber.lost

    # --- following ----------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Follow until cancelled."""
        retry_s = RETRY_FIRST_S
        while True:
            await self._has_subscribers.wait()
            try:
                await self._open()
                retry_s = RETRY_FIRST_S
                await self._follow()
            except (LogUnavailableError, UnknownTopicError) as exc:
                self._stall(exc)
                await asyncio.sleep(retry_s)
                retry_s = min(RETRY_MAX_S, retry_s * 2)
            except Exception:
                logger.exception("the feed of %s failed; it starts again at the end of the topic", self.topic)
                self._abandon(ResyncReason.FAILED)
                await asyncio.sleep(RETRY_MAX_S)

    def _stall(self, exc: LogError) -> None:
        if not self.stalled:
            logger.warning("the feed of %s waits: %s", self.topic, exc)
        self.stalled = True
        for subscriber in self.subscribers:
            subscriber.wake()

    async def _open(self) -> None:
        """Begin at the ends, or continue. `_follow` checks whether the log is still the same."""
        info = await self.log.topic(self.topic, fresh=True)
        if self.delivered is None:
            position = Position(self.topic, info.incarnation, await self.log.end_offsets(self.topic))
            self.delivered = FeedOffset(position, await self._below(position))
        self._renewed_s = 0.0
        await self._renew_lease(self.delivered.position)
        self.stalled = False
        self._reading.set()

    async def _reason_to_resync(self, position: Position, evidence: str | None) -> ResyncReason | None:
        """Return why reading cannot continue at a position; None when the log below it is unchanged.

        Raises:
            ResizingError: rows move to other partitions, which is no change of the table.
        """
        info = await self.log.topic(self.topic, fresh=True)
        if info.moving:
            raise ResizingError(f"the rows of {self.topic!r} move to other partitions just now; try again")
        if position.epoch != info.incarnation or position.offsets.keys() != set(range(info.spec.partitions)):
            return ResyncReason.EPOCH
        there = await self._below(position)
        if any(record.offset != position.offsets[tp.partition] - 1 for tp, record in there.items()):
            return ResyncReason.TRIMMED
        return None if evidence in {None, name(there)} else ResyncReason.ROLLED_BACK

    async def _below(self, position: Position) -> dict[TopicPartition, StoredRecord]:
        """Return the record below each offset: a later one where it was trimmed, none where the log ends before it."""
        below = {TopicPartition(self.topic, p): offset - 1 for p, offset in position.offsets.items() if offset > 0}
        found = await self.log.fetch_each(below, count=1)
        return {tp: records[0] for tp, records in found.records.items()}

    def _stop(self) -> None:
        self.delivered = None
        self._reading.clear()
        self.on_stop()

    def _abandon(self, why: ResyncReason) -> None:
        self._stop()
        for subscriber in self.subscribers:
            subscriber.lose(why)

    async def _follow(self) -> None:
        """Read until there is no subscriber, or the topic is another one."""
        while self._has_subscribers.is_set() and (delivered := self.delivered) is not None:
            offsets = self._readable(delivered.position)
            fetched = await self.log.fetch_each(offsets, count=READ_RECORDS_MAX, block_ms=BLOCK_MS)
            self._skip(fetched.damaged)
            found = fetched.records
            # Check after the read: the log may have become another one just before it.
            if why := await self._reason_to_resync(delivered.position, delivered.evidence):
                self._abandon(why)
                return
            if any(records[0].offset != offsets[tp] for tp, records in found.items()):
                self._abandon(ResyncReason.TRIMMED)
                return
            if found:
                by_channel = self._by_channel(found)
                await self.prepare(by_channel, delivered.position)
                woken = self._hand_out(by_channel)
                delivered = self.delivered = delivered.after({tp: records[-1] for tp, records in found.items()})
                await wake_in_turns(woken)
            await self._renew_lease(delivered.position)
            if found:
                await asyncio.sleep(self.round_s)
            elif not offsets:
                await asyncio.sleep(BLOCK_MS / 1_000)
        self._stop()
        await self.log.release_read_lease(self.topic, self._name)

    def _readable(self, position: Position) -> dict[TopicPartition, int]:
        """Return where to read on in each partition that is not left out just now."""
        now_s = asyncio.get_running_loop().time()
        self._damaged = {tp: until_s for tp, until_s in self._damaged.items() if until_s > now_s}
        places = {TopicPartition(self.topic, p): offset for p, offset in position.offsets.items()}
        return {tp: offset for tp, offset in places.items() if tp not in self._damaged}

    def _skip(self, damaged: Mapping[TopicPartition, DamagedPartitionError]) -> None:
        """Leave damaged partitions out for a while; a fetch that included one would return at once, again and again."""
        for tp, error in damaged.items():
            logger.warning("the feed of %s continues without one partition: %s", self.topic, error)
            self._damaged[tp] = asyncio.get_running_loop().time() + DAMAGED_RETRY_S

    async def _renew_lease(self, position: Position) -> None:
        """Renew the read lease, which keeps the record read last and all after it from being trimmed."""
        now_s = asyncio.get_running_loop().time()
        if now_s - self._renewed_s >= LEASE_RENEWAL_S:
            self._renewed_s = now_s
            needed = {p: max(0, offset - 1) for p, offset in position.offsets.items()}
            await self.log.acquire_read_lease(self.topic, self._name, needed, READ_LEASE_MS)

    def _by_channel(self, found: Mapping[TopicPartition, list[StoredRecord]]) -> ByChannel:
        by_channel: dict[str | None, Changes] = {}
        for tp, records in found.items():
            for change in self.changes(tp.partition, records):
                for channel in (*change.channels, None):
                    if channel in self._listeners:
                        by_channel.setdefault(channel, Changes()).add(change)
        return by_channel

    def _hand_out(self, by_channel: ByChannel) -> list[Subscriber]:
        """Add the changes to all their subscribers. Return those that have something to send."""
        return [
            subscriber
            for channel, changes in by_channel.items()
            for subscriber in self._listeners.get(channel, ())
            if subscriber.add(changes)
        ]

    def changes(self, partition: int, records: Sequence[StoredRecord]) -> list[Change]:
        """Return the changes that these records are to the feed."""
        readings = ((record, self.read(partition, record)) for record in records)
        return [Change.of(partition, record, reading) for record, reading in readings if reading is not None]


async def wake_in_turns(subscribers: Sequence[Subscriber]) -> None:
    """Wake subscribers, a few at a time. The event loop serves other requests in between."""
    for number, subscriber in enumerate(subscribers, start=1):
        subscriber.wake()
        if number % WAKES_AT_ONCE == 0:
            await asyncio.sleep(0)
