"""What one subscriber is sent: the snapshot, and the data of deltas. Rows are encoded JSON."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from typing import Protocol

import orjson
from faust_redis.log import Position, TopicPartition
from pydantic import JsonValue

from api.kit.feeds.change import Change, Changes
from api.kit.feeds.follower import Follower
from api.kit.feeds.public_form import PublicRows
from api.kit.feeds.subscriber import Subscriber
from tables.keys import SEPARATOR
from tables.reader import Rows, TableReader

EncodedRows = list[bytes]
TAIL_READ_MAX = 1_000  # newest records of each partition that a tail's snapshot is chosen from


class ViewEndedError(Exception):
    """What a view shows is no longer there. The feed ends, and opening it again is refused."""


class View(Protocol):
    """One subscriber's view. Its methods may raise `ViewEndedError`."""

    @property
    def channels(self) -> frozenset[str] | None:
        """Return the channels whose changes the view needs; None for all."""

    def snapshot(self, follower: Follower, subscriber: Subscriber) -> AsyncIterator[EncodedRows]:
        """Yield the rows as they are, in chunks, and set the subscriber's floor, where deltas begin."""

    async def resume(self) -> None:
        """Prepare for deltas without a snapshot."""

    async def delta(self, changes: Changes, position: Position, subscriber: Subscriber) -> bytes | None:
        """Return the data of a delta for changes below `position`; None when there is nothing to send."""


class RowsView:
    """Shows rows of a table: all of them, or those of some (key, owner), whose channels are the owners by default."""

    def __init__(
        self,
        tables: TableReader,
        table: str,
        row: Callable[[str, bytes], dict[str, JsonValue]],
        *,
        keys: Sequence[tuple[str, str]] | None = None,
        channels: frozenset[str] | None = None,
        public: PublicRows | None = None,
    ) -> None:
        self.channels = channels or (None if keys is None else frozenset(owner for _, owner in keys))
        self._tables = tables
        self._table = table
        self._row = row
        self._keys = keys
        self._public = public

    async def snapshot(self, follower: Follower, subscriber: Subscriber) -> AsyncIterator[EncodedRows]:
        """Yield the rows of the keys at one moment; without keys scan, and changes in between follow as deltas."""
        del follower
        if self._keys is not None:
            position, values = await self._tables.get_many(self._table, self._keys)
            subscriber.know(position)
            found = [(key, value) for (key, _), value in zip(self._keys, values, strict=True)]
            yield self._encoded((key, value) for key, value in found if value is not None)
            return
        subscriber.know(await self._tables.position(self._table))
        async for chunk in self._tables.scan(self._table):
            yield self._encoded((row.key, row.value) for row in chunk)

    def _encoded(self, rows: Iterable[tuple[str, bytes]]) -> EncodedRows:
        if self._public is None:
            return [orjson.dumps(self._row(key, value)) for key, value in rows]
        shown = (self._public.encode(key.partition(SEPARATOR)[0], self._row(key, value)) for key, value in rows)
        return [row for row in shown if row is not None]

    async def resume(self) -> None:
        """Do nothing: a record is the row."""

    async def delta(self, changes: Changes, position: Position, subscriber: Subscriber) -> bytes | None:
        """Return the rows that changed."""
        del position, subscriber
        return changes.rows if self._public is None else self._public.delta(changes)


class ReadView:
    """Shows the rows of a table that a function chooses, and every change of some channels.

    Args:
        channels: The channels.
        read: Returns the rows, and a position below which they show every change.
        row: Returns a row as clients see it.
    """

    def __init__(
        self,
        channels: frozenset[str] | None,
        read: Callable[[], Awaitable[Rows]],
        row: Callable[[str, bytes], dict[str, JsonValue]],
    ) -> None:
        self.channels = channels
        self._read = read
        self._row = row

    async def snapshot(self, follower: Follower, subscriber: Subscriber) -> AsyncIterator[EncodedRows]:
        """Yield the rows."""
        del follower
        found = await self._read()
        subscriber.know(found.position)
        yield [orjson.dumps(self._row(row.key, row.value)) for row in found.rows]

    async def resume(self) -> None:
        """Do nothing: a record is the row."""

    async def delta(self, changes: Changes, position: Position, subscriber: Subscriber) -> bytes | None:
        """Return the rows that changed."""
        del position, subscriber
        return changes.rows


class TailView:
    """Shows the newest events of a topic."""

    def __init__(self, channels: frozenset[str] | None, last: int, public: PublicRows | None = None) -> None:
        self.channels = channels
        self._last = last
        self._public = public

    async def snapshot(self, follower: Follower, subscriber: Subscriber) -> AsyncIterator[EncodedRows]:
        """Yield the last events, oldest first."""
        info = await follower.log.topic(follower.topic, fresh=True)
        ends = await follower.log.end_offsets(follower.topic)
        found: list[tuple[int, Change]] = []
        position = dict(ends)
        for partition in ends:
            records = await follower.log.tail(TopicPartition(follower.topic, partition), TAIL_READ_MAX)
            if records:
                position[partition] = max(ends[partition], records[-1].offset + 1)
            changes = follower.changes(partition, records)
            found += [(change.record.timestamp_ms, change) for change in changes if subscriber.wants(change)]
        subscriber.know(Position(follower.topic, info.incarnation, position))
        found.sort(key=lambda dated: dated[0])
        yield self._encoded(change for _, change in found[-self._last :])

    def _encoded(self, changes: Iterable[Change]) -> EncodedRows:
        if self._public is None:
            return [change.encoded for change in changes]
        shown = (self._public.encode(change.channels[0], change.row()) for change in changes)
        return [row for row in shown if row is not None]

    async def resume(self) -> None:
        """Do nothing: a record is the event."""

    async def delta(self, changes: Changes, position: Position, subscriber: Subscriber) -> bytes | None:
        """Return the new events."""
        del position, subscriber
        return changes.rows if self._public is None else self._public.delta(changes)
