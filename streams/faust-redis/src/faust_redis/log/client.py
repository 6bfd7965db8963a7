"""The log's client: create topics, write atomically, read by offset. For the driver, the ingress and the feeds."""

from __future__ import annotations

import asyncio
import json
import re
import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self, cast

from redis.asyncio import Redis
from redis.asyncio.connection import BlockingConnectionPool
from redis.exceptions import BusyLoadingError, RedisError, ResponseError
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from faust_redis.log import codec
from faust_redis.log.errors import GroupInUseError, LogUnavailableError, TopicMismatchError, UnknownTopicError
from faust_redis.log.keys import Keys
from faust_redis.log.records import (
    Fence,
    Record,
    StoredRecord,
    TopicInfo,
    TopicPartition,
    TopicSpec,
    Transaction,
    WriteBatch,
)
from faust_redis.log.scripts import COMMIT, CREATE_TOPIC, OFFSETS, TRIM, Script
from faust_redis.log.suitability import check_server

CONNECTIONS_MAX = 32
CONNECT_TIMEOUT_S = 5.0
REPLY_TIMEOUT_S = 20.0
CLOSED_HANDLE = "the handler is closed"
"""What uvloop says, of a write to a connection that was cut, where asyncio's own loop has a connection error."""


@dataclass(frozen=True, slots=True)
class Appended:
    """Where a write landed.

    Attributes:
        offsets: Of each record, in the order written.
        again: It was a recognised retry.
        rows: Offset of the last of each `Rows`.
    """

    offsets: tuple[int, ...]
    again: bool
    rows: tuple[int, ...] = ()


def connect(url: str) -> Redis:
    """A client for a ``redis://``, ``rediss://`` or ``unix://`` URL, with raw replies (RESP2, bytes).

    Raises:
        ValueError: when the URL has another scheme.
    """
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=CONNECTIONS_MAX,
        timeout=REPLY_TIMEOUT_S,
        socket_connect_timeout=CONNECT_TIMEOUT_S,
        # How long a reply may take is bounded in `Log._call`: redis-py's own bound uses `asyncio.wait_for`, which on
        # Python 3.11 may swallow a cancellation, and then whoever waits for the cancelled task waits for ever.
        socket_timeout=None,
        protocol=2,
    )
    client = Redis.from_pool(pool)
    for command in ("XREAD", "XRANGE", "XREVRANGE"):
        cast("Any", client).set_response_callback(command, codec.identity)
    return client


def without_password(url: str) -> str:
    """A broker URL as it may be shown."""
    return re.sub(r"(?<=://)[^@/]*@", "***@", url)


class Log:
    """A partitioned log on one Redis (7.0 or later) or Valkey.

    All methods raise `LogUnavailableError` when the broker cannot be reached or does not answer in time; whether a
    write then happened is unknown, and retrying it with the same `Transaction` is safe.
    """

    def __init__(self, url: str, namespace: str = "astra") -> None:
        self.url = url
        self.keys = Keys(namespace)
        self.redis = connect(url)
        self._topics: dict[str, TopicInfo] = {}

    async def __aenter__(self) -> Self:
        await self.check()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def check(self) -> None:
        """Refuse a broker that is too old or that could evict records.

        Raises:
            BrokerUnsuitableError: with what to change.
        """
        await self._call(check_server(self.redis))

    async def close(self) -> None:
        """Close all connections."""
        await self.redis.aclose()

    async def run(self, script: Script, keys: Sequence[str], args: Sequence[Any]) -> Any:
        """Run a server-side script by its digest, loading it when the server does not know it."""
        return await self._call(script.run(self.redis, keys, args))

    async def at_once(self, *commands: Sequence[Any]) -> list[Any]:
        """Replies to commands that all see the same moment (MULTI/EXEC); for reading what belongs together."""
        pipe = self.redis.pipeline(transaction=True)
        for command in commands:
            pipe.execute_command(*command)
        return list(await self._call(pipe.execute()))

    # --- topics -------------------------------------------------------------------------------------------------------

    async def create_topic(self, spec: TopicSpec) -> TopicInfo:
        """Create a topic, or return the one that stands.

        Raises:
            TopicMismatchError: when it exists with another partition count or cleanup policy.
        """
        reply = await self.run(
            CREATE_TOPIC,
            [self.keys.topic(spec.name), self.keys.topics],
            [spec.name, spec.partitions, spec.cleanup, spec.view, spec.retention_ms, secrets.token_hex(6)],
        )
        info = codec.topic_info(spec.name, reply)
        if (info.spec.partitions, info.spec.cleanup, info.spec.view) != (spec.partitions, spec.cleanup, spec.view):
            raise TopicMismatchError(
                f"topic {spec.name!r} exists with {info.spec.partitions} partitions and cleanup {info.spec.cleanup!r}; "
                f"{spec.partitions} and {spec.cleanup!r} were declared. Use the existing values, or another topic name."
            )
        self._topics[spec.name] = info
        return info

    async def topic(self, name: str, *, fresh: bool = False) -> TopicInfo:
        """What the topic is; from memory unless `fresh`.

        Raises:
            UnknownTopicError: when it has not been created.
        """
        if fresh or name not in self._topics:
            fields = ("partitions", "cleanup", "view", "retention_ms", "incarnation")
            reply = await self._call(self.redis.hmget(self.keys.topic(name), *fields))
            if reply[0] is None:
                self._topics.pop(name, None)
                raise UnknownTopicError(f"topic {name!r} does not exist; start a worker first, it creates the topics")
            self._topics[name] = codec.topic_info(name, reply)
        return self._topics[name]

    def known_topic(self, name: str) -> TopicInfo | None:
        """What is already known of a topic, without asking the broker."""
        return self._topics.get(name)

    async def topics(self) -> list[str]:
        """Names of all topics, sorted."""
        return sorted(name.decode() for name in await self._call(self.redis.smembers(self.keys.topics)))

    # --- writing ------------------------------------------------------------------------------------------------------

    async def append(
        self,
        records: Sequence[Record],
        *,
        transaction: Transaction | None = None,
        require: tuple[str, int, str] | None = None,
    ) -> Appended:
        """Append records without a fence, atomically. See `commit` for arguments and errors."""
        return await self.commit(WriteBatch(list(records)), transaction=transaction, require=require)

    async def commit(
        self,
        batch: WriteBatch,
        *,
        fence: Fence | None = None,
        transaction: Transaction | None = None,
        require: tuple[str, int, str] | None = None,
    ) -> Appended:
        """Apply a batch: records, their snapshots and views, and offsets become visible together, or not at all.

        Args:
            batch: What to write. Offsets are committed for the fence's group, or for the batch's own.
            fence: Whose right to write is checked first.
            transaction: Recognises a retry: the first result is returned and nothing is written again.
            require: Topic, partition and key of a compacted topic's row that must be there.

        Raises:
            FencedError: the writer's generation or lease is over.
            IdempotencyConflictError: `transaction.once` and the name was used with another value.
            IncarnationError: a topic is not the one this client knew.
            UnknownTopicError: a topic or partition does not exist.
            ForeignStreamError: a stream was written by something else.
            RowGoneError: the required row is not there.
            SourceMovedError: `batch.source_offsets` does not go on from where the copy stands.
        """
        topics = {record.topic for record in batch.records} | {rows.topic for rows in batch.rows}
        infos = {topic: await self.topic(topic) for topic in topics}
        args = codec.commit_arguments(self.keys.prefix, batch, infos, fence, transaction, require=require)
        reply = await self.run(COMMIT, [self.keys.topics], args.argv)
        bases, again = codec.commit_result(reply, self._topics)
        return Appended(args.offsets(bases), again, args.row_ends(bases))

    # --- reading ------------------------------------------------------------------------------------------------------

    async def fetch(
        self, offsets: Mapping[TopicPartition, int], *, count: int = 500, block_ms: int | None = None
    ) -> dict[TopicPartition, list[StoredRecord]]:
        """Records from each partition, starting at its offset; waits up to `block_ms` when there are none.

        Offsets of returned records are checked against what was asked for only by being dense; a reader compares the
        first one with its position to notice that older records were trimmed.
        """
        if not offsets:
            return {}
        wanted = {self.keys.stream(tp.topic, tp.partition).encode(): tp for tp in offsets}
        args: list[Any] = ["COUNT", count]
        if block_ms is not None:
            args += ["BLOCK", max(1, block_ms)]
        ids = [f"0-{offset}" for offset in offsets.values()]
        reply = await self._call(self.redis.execute_command("XREAD", *args, "STREAMS", *wanted, *ids))
        return {wanted[name]: [codec.stored(entry) for entry in entries] for name, entries in reply or ()}

    async def at(self, offsets: Mapping[TopicPartition, int]) -> dict[TopicPartition, StoredRecord | None]:
        """The one record at an offset of each partition; None where there is none (not yet, or not any more)."""
        pipe = self.redis.pipeline(transaction=False)
        for tp, offset in offsets.items():
            entry_id = f"0-{offset + 1}"
            pipe.execute_command("XRANGE", self.keys.stream(tp.topic, tp.partition), entry_id, entry_id, "COUNT", 1)
        replies = await self._call(pipe.execute()) if offsets else []
        return {tp: codec.stored(reply[0]) if reply else None for tp, reply in zip(offsets, replies, strict=True)}

    async def rows(self, tp: TopicPartition, count: int = 1_000) -> AsyncIterator[list[tuple[bytes, bytes]]]:
        """The snapshot of a compacted partition, some `count` rows at a time; a row may come twice.

        Of no single moment: whoever needs one reads the highwater before, and follows the records from there on.
        """
        cursor = 0
        while True:
            reply = await self._call(
                self.redis.execute_command("HSCAN", self.keys.snapshot(tp.topic, tp.partition), cursor, "COUNT", count)
            )
            cursor, found = int(reply[0]), reply[1]
            if found:
                yield list(found.items())
            if cursor == 0:
                return

    async def tail(self, tp: TopicPartition, count: int) -> list[StoredRecord]:
        """The last `count` records of a partition, oldest first."""
        key = self.keys.stream(tp.topic, tp.partition)
        reply = await self._call(self.redis.execute_command("XREVRANGE", key, "+", "-", "COUNT", count))
        return [codec.stored(entry) for entry in reversed(reply)]

    async def end_offsets(self, topic: str) -> dict[int, int]:
        """Highwater of each partition: the offset the next record will get."""
        info = await self.topic(topic)
        reply = await self._call(self.redis.hgetall(self.keys.ends(topic)))
        known = {int(p): int(o) for p, o in reply.items()}
        return {p: known.get(p, 0) for p in range(info.spec.partitions)}

    async def beginning_offsets(self, topic: str) -> dict[int, int]:
        """Lowest offset still kept in each partition; equal to the highwater when there is none."""
        info = await self.topic(topic)
        ends = await self.end_offsets(topic)
        pipe = self.redis.pipeline(transaction=False)
        for p in range(info.spec.partitions):
            pipe.execute_command("XRANGE", self.keys.stream(topic, p), "-", "+", "COUNT", 1)
        firsts = await self._call(pipe.execute())
        return {p: codec.stored(first[0]).offset if first else ends[p] for p, first in enumerate(firsts)}

    async def committed(self, group: str) -> dict[TopicPartition, int]:
        """Committed offsets of a group: the next record to process of each partition it has committed."""
        reply = await self._call(self.redis.hgetall(self.keys.offsets(group)))
        return {codec.topic_partition(name): int(offset) for name, offset in reply.items()}

    async def source_offsets(self, name: str) -> dict[TopicPartition, int]:
        """How far a copy of another log has come: the next offset to copy of each of its partitions."""
        reply = await self._call(self.redis.hgetall(self.keys.source_offsets(name)))
        return {codec.topic_partition(place): int(offset) for place, offset in reply.items()}

    async def trim(self, topic: str, partitions: Sequence[int], records_max: int) -> int:
        """Remove records that are past the topic's retention and that no group and no live reader still needs.

        Args:
            topic: The topic; one without retention (0) keeps everything.
            partitions: The partitions to look at.
            records_max: Records that one partition may lose now; bounds how long the call blocks the server.

        Returns:
            How many records were removed; there may be more while it is not 0.
        """
        return int(await self.run(TRIM, [self.keys.topics], [self.keys.prefix, topic, records_max, *partitions]))

    async def acquire_read_lease(self, topic: str, reader: str, offsets: Mapping[int, int], lease_ms: int) -> None:
        """Keep what a live reader outside of groups has yet to read from being trimmed, while its lease lasts."""
        [(seconds, micros)] = await self.at_once(("TIME",))
        until_ms = seconds * 1000 + micros // 1000 + lease_ms
        held = json.dumps({"until_ms": until_ms, "offsets": {str(p): offset for p, offset in offsets.items()}})
        await self._call(self.redis.hset(self.keys.readers(topic), reader, held))

    async def release_read_lease(self, topic: str, reader: str) -> None:
        """End a reader's hold."""
        await self._call(self.redis.hdel(self.keys.readers(topic), reader))

    async def reset_offsets(self, group: str, offsets: Mapping[TopicPartition, int]) -> None:
        """Set where a group goes on, by hand: what lies in between is skipped, or processed again.

        Raises:
            GroupInUseError: while members of it are alive.
        """
        await self._change_group(group, "reset", *(part for tp, offset in offsets.items() for part in (*tp, offset)))

    async def forget_group(self, group: str) -> None:
        """Remove a group: it holds back trimming no more, and would begin anew.

        Raises:
            GroupInUseError: while members of it are alive.
        """
        await self._change_group(group, "forget")

    async def _change_group(self, group: str, operation: str, *args: Any) -> None:
        alive = await self.run(OFFSETS, [self.keys.group(group)], [self.keys.prefix, group, operation, *args])
        if alive:
            names = ", ".join(sorted(member.decode() for member in alive))
            raise GroupInUseError(f"group {group!r} has live members ({names}); stop them first, then repeat this")

    async def set_status(self, group: str, member: str, status: str) -> None:
        """Publish how a group member stands (JSON)."""
        await self._call(self.redis.hset(self.keys.status(group), member, status))

    async def clear_status(self, group: str, member: str) -> None:
        """Remove a member's status."""
        await self._call(self.redis.hdel(self.keys.status(group), member))

    async def _call(self, awaitable: Any) -> Any:
        try:
            async with asyncio.timeout(REPLY_TIMEOUT_S):
                return await awaitable
        except (RedisConnectionError, RedisTimeoutError, BusyLoadingError, OSError, TimeoutError) as exc:
            raise LogUnavailableError(f"no answer from the broker at {without_password(self.url)}: {exc}") from exc
        except ResponseError as exc:
            codec.raise_for_response(exc)
            raise
        except RuntimeError as exc:
            if CLOSED_HANDLE not in str(exc):
                raise
            raise LogUnavailableError(f"the connection to {without_password(self.url)} is closed") from exc
        except RedisError as exc:
            raise LogUnavailableError(
                f"no usable answer from the broker at {without_password(self.url)}: {exc}"
            ) from exc
