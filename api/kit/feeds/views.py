"""What one subscriber is shown of a feed: its snapshot, and what to tell of changes. Rows are JSON, already encoded."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Protocol

import orjson
from faust_redis.log import Position, TopicPartition
from pydantic import JsonValue

from api.kit.feeds.change import Change, Changes
from api.kit.feeds.follower import Follower
from api.kit.feeds.subscriber import Subscriber
from tables.reader import TableReader

Rows = list[bytes]
TAIL_READ_MAX = 1_000  # newest records of each partition that are looked through for a tail's snapshot


class View(Protocol):
    """One subscriber's view."""

    @property
    def channels(self) -> frozenset[str] | None:
        """The channels whose changes it needs; None for all."""

    def snapshot(self, follower: Follower, subscriber: Subscriber) -> AsyncIterator[Rows]:
        """The rows as they are, in chunks; the subscriber's floor is where deltas follow on."""

    async def resume(self) -> None:
        """Get ready to tell changes without having sent a snapshot."""

    async def delta(self, changes: Changes, reached: Position, subscriber: Subscriber) -> bytes | None:
        """The data of a delta event for changes below `reached`, or None when nothing is to be told."""


class RowsView:
    """Rows of a table as they are kept: all of them, or those of some keys."""

    def __init__(
        self,
        tables: TableReader,
        table: str,
        row: Callable[[str, bytes], JsonValue],
        *,
        keys: Sequence[tuple[str, str]] | None = None,
    ) -> None:
        self.channels = None if keys is None else frozenset(owner for _, owner in keys)
        self._tables = tables
        self._table = table
        self._row = row
        self._keys = keys

    async def snapshot(self, follower: Follower, subscriber: Subscriber) -> AsyncIterator[Rows]:
        """Rows of the keys at one moment; or a scan: what changes meanwhile follows as a delta."""
        del follower
        if self._keys is not None:
            position, values = await self._tables.get_many(self._table, self._keys)
            subscriber.know(position)
            found = [(key, value) for (key, _), value in zip(self._keys, values, strict=True)]
            yield [self._encode(key, value) for key, value in found if value is not None]
            return
        subscriber.know(await self._tables.position(self._table))
        async for chunk in self._tables.scan(self._table):
            yield [self._encode(row.key, row.value) for row in chunk]

    def _encode(self, key: str, value: bytes) -> bytes:
        return orjson.dumps(self._row(key, value))

    async def resume(self) -> None:
        """Nothing to do: a record is the row."""

    async def delta(self, changes: Changes, reached: Position, subscriber: Subscriber) -> bytes | None:
        """The rows that changed."""
        del reached, subscriber
        return changes.rows


class TailView:
    """The newest events of a topic."""

    def __init__(self, channels: frozenset[str] | None, last: int) -> None:
        self.channels = channels
        self._last = last

    async def snapshot(self, follower: Follower, subscriber: Subscriber) -> AsyncIterator[Rows]:
        """The last events, oldest first."""
        info = await follower.log.topic(follower.topic, fresh=True)
        ends = await follower.log.end_offsets(follower.topic)
        found: list[tuple[int, Change]] = []
        reached = dict(ends)
        for partition in ends:
            records = await follower.log.tail(TopicPartition(follower.topic, partition), TAIL_READ_MAX)
            if records:
                reached[partition] = max(ends[partition], records[-1].offset + 1)
            changes = follower.changes(partition, records)
            found += [(change.record.timestamp_ms, change) for change in changes if subscriber.wants(change)]
        subscriber.know(Position(follower.topic, info.incarnation, reached))
        found.sort(key=lambda dated: dated[0])
        yield [change.encoded for _, change in found[-self._last :]]

    async def resume(self) -> None:
        """Nothing to do: a record is the event."""

    async def delta(self, changes: Changes, reached: Position, subscriber: Subscriber) -> bytes | None:
        """The events that came."""
        del reached, subscriber
        return changes.rows
