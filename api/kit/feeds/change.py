"""A change in a followed topic: one record, and the channels and the row that it belongs to. Independent of HTTP."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import orjson
from faust_redis.log import StoredRecord

from streams.trace_context import SpanRef, is_sampled, span_of, traceparent_of


class RowKey(NamedTuple):
    """Identifies the row that a change replaces. Each event of a tail is a row of its own."""

    partition: int
    name: str | int


class Reading(NamedTuple):
    """What a feed reads from a record: the row's name, the channels it belongs to, and a function that shows it."""

    name: str | int
    channels: tuple[str, ...]
    row: Callable[[], Any]


@dataclass
class Change:
    """One record of a followed topic.

    Attributes:
        key: A later change with the same key replaces this one until it is sent.
        channels: Each subscriber names the channels that it wants; the change goes to those that share one.
        record: The record itself.
        deliveries: How many deliveries to clients were recorded as spans.
    """

    partition: int
    offset: int
    key: RowKey
    channels: tuple[str, ...]
    record: StoredRecord
    row: Callable[[], Any]
    deliveries: int = 0

    @classmethod
    def of(cls, partition: int, record: StoredRecord, reading: Reading) -> Change:
        """Return a record as a change."""
        key = RowKey(partition, reading.name)
        return cls(partition, record.offset, key, reading.channels, record, reading.row)

    @cached_property
    def sampled(self) -> SpanRef | None:
        """Return the span of the event that the record is, when its trace is sampled."""
        traceparent = traceparent_of(self.record.value)
        return span_of(traceparent) if traceparent is not None and is_sampled(traceparent) else None

    @cached_property
    def encoded(self) -> bytes:
        """Return the row as JSON. It is encoded once for all subscribers."""
        return orjson.dumps(self.row())


class Changes:
    """The newest change of each row, sent together. Subscribers that are sent the same share one object.

    Attributes:
        conflated: How many changes were replaced by a newer one of their row.
    """

    def __init__(self, changes: Iterable[Change] = ()) -> None:
        self.by_row: dict[RowKey, Change] = {}
        self.conflated = 0
        self._kept: tuple[Hashable, bytes | None] | None = None
        for change in changes:
            self.add(change)

    def add(self, change: Change) -> None:
        """Add a change; it replaces an older one of its row."""
        newest = self.by_row.get(change.key)
        if newest is None:
            self.by_row[change.key] = change
        elif newest.offset < change.offset:
            self.by_row[change.key] = change
            self.conflated += 1

    def __len__(self) -> int:
        return len(self.by_row)

    def __iter__(self) -> Iterator[Change]:
        return iter(self.by_row.values())

    @cached_property
    def ends(self) -> dict[int, int]:
        """Return, by partition, the offset above the last change. Add nothing after the first use."""
        ends: dict[int, int] = {}
        for change in self:
            ends[change.partition] = max(ends.get(change.partition, 0), change.offset + 1)
        return ends

    @cached_property
    def rows(self) -> bytes:
        """Return the data of a delta with all rows, encoded once. Add nothing after the first use."""
        return delta_data([change.encoded for change in self])

    def kept(self, key: Hashable, make: Callable[[], bytes | None]) -> bytes | None:
        """Return what `make` returns, and keep it for the next caller with the same key. Add nothing after that."""
        if self._kept is None or self._kept[0] != key:
            self._kept = key, make()
        return self._kept[1]


def delta_data(rows: Iterable[bytes]) -> bytes:
    """Return the data of a delta event from encoded rows, which replace the rows of the same name."""
    return b'{"rows":[' + b",".join(rows) + b"]}"


Read = Callable[[int, StoredRecord], Reading | None]
"""How a feed reads a record of a partition; None for a record that it does not show."""
