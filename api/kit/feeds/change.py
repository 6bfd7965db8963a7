"""What changed in a followed topic: one record, with how subscribers find and name it. Knows nothing of HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import orjson
from faust_redis.log import StoredRecord
from pydantic import JsonValue


class RowKey(NamedTuple):
    """What a change replaces: the same row of a table; an event of a tail replaces nothing but itself."""

    partition: int
    name: str | int


class Reading(NamedTuple):
    """What a feed makes of a record: the row's name, on which channels it is told, and how."""

    name: str | int
    channels: tuple[str, ...]
    row: Callable[[], JsonValue]


@dataclass(frozen=True)
class Change:
    """One record of a followed topic.

    Attributes:
        key: Later changes with the same key replace this one while a subscriber has not sent it yet.
        channels: Who wants it: a subscriber names the channels that it listens to.
        record: The record itself.
    """

    partition: int
    offset: int
    key: RowKey
    channels: tuple[str, ...]
    record: StoredRecord
    row: Callable[[], JsonValue]

    @classmethod
    def of(cls, partition: int, record: StoredRecord, reading: Reading) -> Change:
        """A record as a change."""
        key = RowKey(partition, reading.name)
        return cls(partition, record.offset, key, reading.channels, record, reading.row)

    @cached_property
    def encoded(self) -> bytes:
        """The row as JSON; made once, however many are told."""
        return orjson.dumps(self.row())


class Changes:
    """Changes that are told together, of each row the newest; the same object for all who are told the same.

    Attributes:
        conflated: How many were left out because a newer one of the row is there.
    """

    def __init__(self, changes: Iterable[Change] = ()) -> None:
        self.by_row: dict[RowKey, Change] = {}
        self.conflated = 0
        for change in changes:
            self.add(change)

    def add(self, change: Change) -> None:
        """Take one in; it replaces an older one of its row."""
        held = self.by_row.get(change.key)
        if held is None:
            self.by_row[change.key] = change
        elif held.offset < change.offset:
            self.by_row[change.key] = change
            self.conflated += 1

    def __len__(self) -> int:
        return len(self.by_row)

    def __iter__(self) -> Iterator[Change]:
        return iter(self.by_row.values())

    @cached_property
    def ends(self) -> dict[int, int]:
        """By partition the offset above the last of them; when nothing is added any more."""
        ends: dict[int, int] = {}
        for change in self:
            ends[change.partition] = max(ends.get(change.partition, 0), change.offset + 1)
        return ends

    @cached_property
    def rows(self) -> bytes:
        """Data of a delta event with all their rows; made once, when nothing is added any more."""
        return delta_data([change.encoded for change in self])


def delta_data(rows: Iterable[bytes]) -> bytes:
    """Data of a delta event whose rows, encoded already, replace the ones they name."""
    return b'{"rows":[' + b",".join(rows) + b"]}"


Read = Callable[[int, StoredRecord], Reading | None]
"""How a feed reads a record of a partition; None when the record is not one it shows."""
