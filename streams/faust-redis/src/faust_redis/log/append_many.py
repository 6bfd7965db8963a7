"""Send several independent writes in one round trip, each with its own outcome.

The log recognises a retry by the whole write, so writes with an id of their own cannot be merged into one.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple

from faust_redis.log import codec
from faust_redis.log.client import Log
from faust_redis.log.errors import LogError, UnknownTopicError
from faust_redis.log.records import Appended, Record, TopicInfo, WriteBatch, WriteId
from faust_redis.log.scripts import COMMIT, run_all
from faust_redis.log.write_arguments import CommitArguments, commit_arguments


class Write(NamedTuple):
    """Records that are appended together, and the id by which the log recognises a retry."""

    records: Sequence[Record]
    write_id: WriteId


async def append_many(log: Log, writes: Sequence[Write]) -> list[Appended | LogError]:
    """Return, for each write in order, what `Log.append` would return or raise.

    Raises:
        LogUnavailableError: the broker cannot be reached; what became of any of them is unknown.
        UnknownTopicError: a topic has not been created; nothing was written.
    """
    topics = {record.topic for write in writes for record in write.records}
    infos = {topic: await log.topic(topic) for topic in topics}
    sent = [
        commit_arguments(log.keys.prefix, WriteBatch(list(write.records)), infos, None, write.write_id)
        for write in writes
    ]
    replies = await run_all(log, COMMIT, [([log.keys.topics], one.argv) for one in sent])
    results = [_result(one, reply, infos) for one, reply in zip(sent, replies, strict=True)]
    for forgotten in topics - infos.keys():
        with suppress(UnknownTopicError):
            await log.topic(forgotten, fresh=True)
    return results


def _result(sent: CommitArguments, reply: Sequence[bytes], infos: dict[str, TopicInfo]) -> Appended | LogError:
    try:
        bases, again = codec.commit_result(reply, infos)
    except LogError as exc:
        return exc
    return Appended(sent.offsets(bases), again)
