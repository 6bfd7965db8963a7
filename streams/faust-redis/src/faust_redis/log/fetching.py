"""Turn stream entries into records, and keep the error of one partition apart from the records of the others."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from faust_redis.log import codec
from faust_redis.log.connection import answer, translated
from faust_redis.log.errors import DamagedPartitionError
from faust_redis.log.keys import Keys
from faust_redis.log.records import Fetched, StoredRecord, TopicPartition

ENTRIES_MIN = 64


class Density:
    """How many records an entry held in the last read. It turns a number of records into one of entries to ask for.

    Topics differ, so it never asks for so few entries that single records would be read slowly.
    """

    def __init__(self) -> None:
        self._records_an_entry = 1.0

    def entries(self, records: int) -> int:
        """Return in how many entries to expect so many records."""
        return max(min(records, ENTRIES_MIN), math.ceil(records / self._records_an_entry))

    def learn(self, replies: Iterable[Sequence[Any]]) -> None:
        """Note the entries of a read."""
        counts = [codec.count_or_one(entry) for entries in replies for entry in entries]
        if len(counts) > 1:
            self._records_an_entry = sum(counts) / len(counts)


def records_of(tp: TopicPartition, entries: Sequence[Any]) -> list[StoredRecord]:
    """Return the records of stream entries.

    Raises:
        DamagedPartitionError: an entry cannot be read.
    """
    records, error = codec.readable(tp, entries)
    if error is not None:
        raise error
    return records


def record_at(tp: TopicPartition, entries: Sequence[Any], offset: int) -> StoredRecord | None:
    """Return the record at an offset among those of some entries; None when it is not there."""
    return next((record for record in records_of(tp, entries) if record.offset == offset), None)


async def last_records(
    tp: TopicPartition, read: Callable[[str, int], Awaitable[Any]], density: Density, count: int
) -> list[StoredRecord]:
    """Return the last `count` records of a partition, oldest first.

    Args:
        tp: The partition.
        read: Returns a number of entries up to an id, newest first.
        density: How many records an entry holds.
        count: The number of records.
    """
    records: list[StoredRecord] = []
    high = "+"
    while len(records) < count:
        wanted = density.entries(count - len(records))
        entries = await read(high, wanted)
        density.learn([entries])
        for entry in entries:
            records = records_of(tp, [entry]) + records
            if len(records) >= count:
                break
        if len(entries) < wanted:
            break
        high = f"({entries[-1][0].decode()}"
    return records[-count:]


def fetched_of(
    found: Mapping[TopicPartition, Sequence[Any]],
    offsets: Mapping[TopicPartition, int],
    count: int,
    entries_max: int | None = None,
) -> Fetched:
    """Sort out what can be read. Records before an unreadable entry come first; the next fetch meets the entry.

    Args:
        found: The entries of each partition.
        offsets: The first offset to return of each partition.
        count: How many records of a partition are enough.
        entries_max: How many entries were asked for, in one read of all partitions; None when each was read apart.
    """
    full = {tp for tp, entries in found.items() if entries_max is not None and len(entries) >= entries_max}
    cut = set(offsets) if entries_max is None else set(full)
    records_of_each: dict[TopicPartition, list[StoredRecord]] = {}
    damaged: dict[TopicPartition, DamagedPartitionError] = {}
    for tp, entries in found.items():
        records, error = codec.readable(tp, entries, offsets[tp], count)
        if error is not None or len(records) >= count:
            cut.add(tp)
        if records:
            records_of_each[tp] = records
        elif error is not None:
            damaged[tp] = error
    return Fetched(records_of_each, damaged, bool(full), frozenset(cut))


def stream_of_another_type(tp: TopicPartition) -> DamagedPartitionError:
    """Return the error of a partition whose stream is no stream."""
    return DamagedPartitionError(*tp, "its stream's key holds a value of another type")


async def entries_apart(
    redis: Redis, url: str, keys: Keys, first_ids: Mapping[TopicPartition, str], count: int
) -> tuple[dict[TopicPartition, Sequence[Any]], dict[TopicPartition, DamagedPartitionError]]:
    """Read each partition by a command of its own, because one key of another type fails a command for all.

    Args:
        redis: The broker's client.
        url: The broker's URL, for error messages.
        keys: The names of the log's keys.
        first_ids: The lowest entry id to read in each partition.
        count: Most entries to read of each partition.

    Returns:
        The entries of readable partitions, and the errors of the others.
    """
    pipe = redis.pipeline(transaction=False)
    for tp, first_id in first_ids.items():
        pipe.execute_command("XRANGE", keys.stream(*tp), first_id, "+", "COUNT", count)
    replies = dict(zip(first_ids, await answer(pipe.execute(raise_on_error=False), url), strict=True))
    entries: dict[TopicPartition, Sequence[Any]] = {}
    damaged: dict[TopicPartition, DamagedPartitionError] = {}
    for tp, reply in replies.items():
        if isinstance(reply, ResponseError) and codec.is_wrong_type(reply):
            damaged[tp] = stream_of_another_type(tp)
        elif isinstance(reply, Exception):
            with translated(url):
                raise reply
        else:
            entries[tp] = reply
    return entries, damaged
