"""What changed in a followed topic: one record, with how subscribers find and name it. Knows nothing of HTTP."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import orjson
from pydantic import JsonValue

from streams.log import StoredRecord


class RowKey(NamedTuple):
    """What a change replaces: the same row of a table; an event of a tail replaces nothing but itself."""

    partition: int
    name: str | int


class Reading(NamedTuple):
    """What a feed makes of a record: the row's name, who wants it, and how to tell it."""

    name: str | int
    channel: str
    row: Callable[[], JsonValue]


@dataclass(frozen=True)
class Change:
    """One record of a followed topic.

    Attributes:
        key: Later changes with the same key replace this one while a subscriber has not sent it yet.
        channel: Who wants it: a subscriber names the channels that it listens to.
        record: The record itself.
    """

    partition: int
    offset: int
    key: RowKey
    channel: str
    record: StoredRecord
    row: Callable[[], JsonValue]

    @classmethod
    def of(cls, partition: int, record: StoredRecord, reading: Reading) -> Change:
        """A record as a change."""
        key = RowKey(partition, reading.name)
        return cls(partition, record.offset, key, reading.channel, record, reading.row)

    @cached_property
    def encoded(self) -> bytes:
        """The row as JSON; made once, however many are told."""
        return orjson.dumps(self.row())


Read = Callable[[int, StoredRecord], Reading | None]
"""How a feed reads a record of a partition; None when the record is not one it shows."""
