"""Turn stream entries into records, and keep the error of one partition apart from the records of the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from faust_redis.log import codec
from faust_redis.log.connection import answer, translated
from faust_redis.log.errors import DamagedPartitionError
from faust_redis.log.keys import Keys
from faust_redis.log.records import Fetched, StoredRecord, TopicPartition


def records_of(tp: TopicPartition, entries: Sequence[Any]) -> list[StoredRecord]:
    """Return the records of stream entries.

    Raises:
        DamagedPartitionError: an entry cannot be read.
    """
    records, error = codec.readable(tp, entries)
    if error is not None:
        raise error
    return records


def fetched_of(found: Mapping[TopicPartition, Sequence[Any]]) -> Fetched:
    """Sort out what can be read. Records before an unreadable entry come first; the next fetch meets the entry."""
    fetched = Fetched({}, {})
    for tp, entries in found.items():
        records, error = codec.readable(tp, entries)
        if records:
            fetched.records[tp] = records
        elif error is not None:
            fetched.damaged[tp] = error
    return fetched


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
