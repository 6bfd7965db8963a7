"""Send several independent writes in one round trip, each with its own outcome.

The log recognises a retry by the whole write, so writes with an id of their own cannot be merged into one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple

from faust_redis.log import codec
from faust_redis.log.client import Log
from faust_redis.log.errors import LogError, LogUnavailableError, UnknownTopicError
from faust_redis.log.records import Appended, Record, TopicInfo, WriteBatch, WriteId
from faust_redis.log.scripts import COMMIT, run_all
from faust_redis.log.write_arguments import CommitArguments, commit_arguments


class Write(NamedTuple):
    """Records that are appended together.

    Attributes:
        records: The records.
        write_id: The id by which the log recognises a retry.
        counted: How many partitions the topic had when the partitions of the records were chosen; None for as many as
            the client knows.
    """

    records: Sequence[Record]
    write_id: WriteId
    counted: int | None = None


async def append_many(log: Log, writes: Sequence[Write]) -> list[Appended | LogError]:
    """Return, for each write in order, what `Log.append` would return or raise.

    On a log of several shards an unreachable one fails its own writes only.

    Raises:
        LogUnavailableError: the broker cannot be reached; what became of any of them is unknown.
        UnknownTopicError: a topic has not been created; nothing was written.
    """
    if len(log.shards) > 1:
        return await _by_shard(log, writes)
    topics = {record.topic for write in writes for record in write.records}
    infos = {topic: await log.topic(topic) for topic in topics}
    sent = [
        commit_arguments(
            log.keys.prefix, WriteBatch(list(write.records), counted=write.counted), infos, None, write.write_id
        )
        for write in writes
    ]
    replies = await run_all(log, COMMIT, [([log.keys.topics], one.argv) for one in sent])
    results = [_result(one, reply, infos) for one, reply in zip(sent, replies, strict=True)]
    for forgotten in topics - infos.keys():
        with suppress(UnknownTopicError):
            await log.topic(forgotten, fresh=True)
    return results


async def _by_shard(log: Log, writes: Sequence[Write]) -> list[Appended | LogError]:
    """Send the writes of each shard together, and those to several shards one by one."""
    shards: dict[int, list[int]] = {}
    for number, write in enumerate(writes):
        held = {log.shard_of(record.partition) for record in write.records}
        shards.setdefault(held.pop() if len(held) == 1 else -1, []).append(number)

    async def send(shard: int, numbers: Sequence[int]) -> list[Appended | LogError]:
        some = [writes[number] for number in numbers]
        try:
            if shard < 0:
                return await _one_by_one(log, some)
            return await append_many(log.shards[shard], some)
        except LogError as exc:
            return [exc] * len(some)

    found = await asyncio.gather(*(send(*each) for each in shards.items()))
    numbered = {
        number: result
        for numbers, results in zip(shards.values(), found, strict=True)
        for number, result in zip(numbers, results, strict=True)
    }
    return [numbered[number] for number in range(len(writes))]


async def _one_by_one(log: Log, writes: Sequence[Write]) -> list[Appended | LogError]:
    """Send writes one after the other. When a shard is away, do not try the rest."""
    results: list[Appended | LogError] = []
    for each in writes:
        try:
            results.append(await log.append(each.records, write_id=each.write_id, counted=each.counted))
        except LogUnavailableError as exc:
            return results + [exc] * (len(writes) - len(results))
        except LogError as exc:
            results.append(exc)
    return results


def _result(sent: CommitArguments, reply: Sequence[bytes], infos: dict[str, TopicInfo]) -> Appended | LogError:
    try:
        bases, again, counted = codec.commit_result(reply, infos)
    except LogError as exc:
        return exc
    return Appended(sent.offsets(bases), again, counted=counted)
