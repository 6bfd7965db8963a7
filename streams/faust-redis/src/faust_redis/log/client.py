"""The log's client: create topics, write atomically, read by offset. The driver, the ingress and the feeds use it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from typing import Any

from redis.exceptions import ResponseError

from faust_redis.log import codec
from faust_redis.log.address import NAMESPACE
from faust_redis.log.errors import (
    DamagedPartitionError,
    ForeignKeyError,
    GroupInUseError,
    UnknownTopicError,
)
from faust_redis.log.fetching import Density, entries_apart, fetched_of, last_records, record_at, stream_of_another_type
from faust_redis.log.forwarding import Forwarder
from faust_redis.log.groups import Groups
from faust_redis.log.keys import Keys
from faust_redis.log.known_topics import KnownTopics
from faust_redis.log.records import (
    Appended,
    Fence,
    Fetched,
    Record,
    StoredRecord,
    TopicInfo,
    TopicPartition,
    TopicSpec,
    WriteBatch,
    WriteId,
)
from faust_redis.log.scripts import COMMIT, OFFSETS, TRIM
from faust_redis.log.shards import WHOLE, Shard, shard_of
from faust_redis.log.transit import Transit
from faust_redis.log.write_arguments import commit_arguments


class Log(KnownTopics):
    """A partitioned log on one Redis (7.0 or later) or Valkey, or one shard of a log on several.

    All methods raise `ForeignKeyError` when a key that they read holds a value of another type. They raise
    `LogUnavailableError` when the broker cannot be reached or does not answer in time; whether a write then happened is
    unknown, and retrying it with the same `WriteId` is safe.

    Attributes:
        transit: Takes the records that a write sends to other shards; None when there are none, or no name for its
            topics was given. Then a write to another shard is refused.
    """

    def __init__(
        self, url: str, namespace: str = NAMESPACE, *, owner: str = "", shard: Shard = WHOLE, transit: str = ""
    ) -> None:
        super().__init__(url, namespace, owner=owner, shard=shard)
        self.transit = Transit(shard, transit) if transit and shard.count > 1 else None
        self._density = Density()

    @cached_property
    def groups(self) -> Groups:
        """Client of the consumer groups."""
        return Groups(self)

    @property
    def shards(self) -> Sequence[Log]:
        """Return the shards of the log, by number: this one, unless it has several."""
        return (self,)

    def holder(self, partition: int) -> Log:
        """Return the shard that holds a partition."""
        return self.shards[self.shard_of(partition)]

    def shard_of(self, partition: int) -> int:
        """Return the number of the shard that holds a partition."""
        return shard_of(partition, len(self.shards))

    def forwarders(self) -> list[Forwarder]:
        """Return what takes the records of this client's writes to other shards; its process runs them."""
        return []

    async def ask_each(
        self, partitions: Iterable[int], command: Callable[[Keys, int], Sequence[Any]]
    ) -> dict[int, Any]:
        """Run a command for each of some partitions; those of a shard run at the same moment.

        Args:
            partitions: The partitions.
            command: Returns the command for a partition, given the names of its shard's keys.
        """
        by_shard: dict[int, list[int]] = {}
        for partition in partitions:
            by_shard.setdefault(self.shard_of(partition), []).append(partition)

        async def ask(number: int, some: Sequence[int]) -> Iterable[tuple[int, Any]]:
            shard = self.shards[number]
            return zip(some, await shard.at_once(*(command(shard.keys, p) for p in some)), strict=True)

        found = await asyncio.gather(*(ask(*each) for each in by_shard.items()))
        return dict(pair for pairs in found for pair in pairs)

    def partitions_of(self, info: TopicInfo) -> range:
        """Return the partitions of a topic that are on this shard: all, unless the log has several."""
        return self.shard.partitions(info.spec.partitions)

    # --- writing ------------------------------------------------------------------------------------------------------

    async def append(
        self,
        records: Sequence[Record],
        *,
        write_id: WriteId | None = None,
        require: tuple[str, int, str] | None = None,
        counted: int | None = None,
    ) -> Appended:
        """Append records without a fence, atomically. See `commit` for arguments and errors."""
        return await self.commit(WriteBatch(list(records), counted=counted), write_id=write_id, require=require)

    async def commit(
        self,
        batch: WriteBatch,
        *,
        fence: Fence | None = None,
        write_id: WriteId | None = None,
        require: tuple[str, int, str] | None = None,
    ) -> Appended:
        """Apply a batch: records, their snapshots and views, and offsets become visible together, or not at all.

        Args:
            batch: What to write. Offsets are committed for the fence's group, or for the batch's own.
            fence: The member whose right to write is checked first.
            write_id: Recognises a retry: the first result is returned and nothing is written again.
            require: Topic, partition and key of a compacted topic's row that must be there.

        Raises:
            FencedError: the writer's generation or lease is over.
            IdempotencyConflictError: the idempotency key was used with another body.
            IncarnationError: a topic is not the one this client knew.
            ResizedError: a topic has another number of partitions than was counted.
            ResizingError: the number of partitions changes just now.
            UnknownTopicError: a topic or partition does not exist.
            BrokerUnsuitableError: the broker's policy was changed since the last check, and may evict records now.
            DamagedPartitionError: something else wrote to a stream, or replaced a key of a partition.
            ForeignKeyError: another key of the log was replaced.
            RowGoneError: the required row is not there.
            SourceMovedError: `batch.source_offsets` does not continue at the copy's present offset.
        """
        await self.check_again()
        if self.transit is not None and (targets := self.transit.targets(batch)):
            for target in sorted(targets):
                await self._ensure(self.transit.topic(target))
            counted = await self._counted(self.transit.topics(batch), batch.counted)
            with self.transit.writer() as writer:
                divided = self.transit.divide(batch, writer, counted)
                return divided.appended(await self._commit(divided.batch, fence, write_id, require), len(batch.records))
        if self.transit is None and self.shard.count > 1 and not self.shard.holds_all(batch):
            raise ValueError("a write to another shard needs a client with a name for its transit topics")
        return await self._commit(batch, fence, write_id, require)

    async def _counted(self, topics: set[str], counted: int | None) -> dict[str, int]:
        """Return how many partitions a writer counts of topics; those that this shard does not have are left out."""
        found: dict[str, int] = {}
        for topic in sorted(topics):
            with suppress(UnknownTopicError):
                found[topic] = counted or (await self.topic(topic)).spec.partitions
        return found

    async def _ensure(self, spec: TopicSpec) -> None:
        if spec.name not in self._topics:
            await self.create_topic(spec)

    async def _commit(
        self,
        batch: WriteBatch,
        fence: Fence | None,
        write_id: WriteId | None,
        require: tuple[str, int, str] | None,
    ) -> Appended:
        topics = {each.topic for part in (batch.records, batch.columns, batch.rows) for each in part}
        infos = {topic: await self.topic(topic) for topic in topics}
        args = commit_arguments(self.keys.prefix, batch, infos, fence, write_id, require=require)
        reply = await self.run(COMMIT, [self.keys.topics], args.argv)
        bases, again, counted = codec.commit_result(reply, self._topics)
        return Appended(args.offsets(bases), again, args.row_ends(bases), counted)

    # --- reading ------------------------------------------------------------------------------------------------------

    async def fetch(
        self, offsets: Mapping[TopicPartition, int], *, count: int = 500, block_ms: int | None = None
    ) -> dict[TopicPartition, list[StoredRecord]]:
        """Return about `count` records of each partition from its offset on; wait up to `block_ms` when there are none.

        A reader compares the first offset with its position to notice that older records were trimmed.

        Raises:
            DamagedPartitionError: the next entry of a partition cannot be read; see `fetch_each`.
        """
        fetched = await self.fetch_each(offsets, count=count, block_ms=block_ms)
        for error in fetched.damaged.values():
            raise error
        return fetched.records

    async def fetch_each(
        self, offsets: Mapping[TopicPartition, int], *, count: int = 500, block_ms: int | None = None
    ) -> Fetched:
        """Fetch like `fetch`, but return the error of a damaged partition beside the records of the others."""
        if not offsets:
            return Fetched({}, {})
        wanted = {self.keys.stream(*tp).encode(): tp for tp in offsets}
        wanted_entries = self._density.entries(count)
        args: list[Any] = ["COUNT", wanted_entries]
        if block_ms is not None:
            args += ["BLOCK", max(1, block_ms)]
        ids = [f"0-{offset}" for offset in offsets.values()]
        try:
            reply = await self._call(self.redis.execute_command("XREAD", *args, "STREAMS", *wanted, *ids))
        except ResponseError as exc:
            if not codec.is_wrong_type(exc):
                raise
            return await self._fetch_apart(offsets, count)
        found = {wanted[name]: entries for name, entries in reply or ()}
        self._density.learn(found.values())
        return fetched_of(found, offsets, count, entries_max=wanted_entries)

    async def _fetch_apart(self, offsets: Mapping[TopicPartition, int], count: int) -> Fetched:
        first_ids = {tp: f"0-{offset + 1}" for tp, offset in offsets.items()}
        entries, damaged = await entries_apart(self.redis, self.url, self.keys, first_ids, count)
        fetched = fetched_of(entries, offsets, count)
        return Fetched(fetched.records, {**fetched.damaged, **damaged}, cut=fetched.cut)

    async def at(self, offsets: Mapping[TopicPartition, int]) -> dict[TopicPartition, StoredRecord | None]:
        """Return the record at an offset of each partition; None where there is none (not yet, or not any more)."""
        pipe = self.redis.pipeline(transaction=False)
        for tp, offset in offsets.items():
            pipe.execute_command("XRANGE", self.keys.stream(*tp), f"0-{offset + 1}", "+", "COUNT", 1)
        try:
            replies = await self._call(pipe.execute()) if offsets else []
        except ResponseError:
            for error in (await self._fetch_apart(offsets, 1)).damaged.values():
                raise error from None
            raise
        return {tp: record_at(tp, reply, offset) for (tp, offset), reply in zip(offsets.items(), replies, strict=True)}

    async def rows(self, tp: TopicPartition, count: int = 1_000) -> AsyncIterator[list[tuple[bytes, bytes]]]:
        """Yield the snapshot of a compacted partition, about `count` rows at a time; a row may come twice.

        The scan is not of one moment. For a consistent state, read the highwater first, then apply the records from
        there on.
        """
        cursor = 0
        while True:
            scan = self.redis.execute_command("HSCAN", self.keys.snapshot(*tp), cursor, "COUNT", count)
            try:
                reply = await self._call(scan)
            except ResponseError as exc:
                if not codec.is_wrong_type(exc):
                    raise
                raise DamagedPartitionError(*tp, "its snapshot's key holds a value of another type") from exc
            cursor, found = int(reply[0]), reply[1]
            if found:
                yield list(found.items())
            if cursor == 0:
                return

    async def tail(self, tp: TopicPartition, count: int) -> list[StoredRecord]:
        """Return the last `count` records of a partition, oldest first."""

        def read(high: str, entries: int) -> Awaitable[Any]:
            return self._ask("XREVRANGE", self.keys.stream(*tp), high, "-", "COUNT", entries)

        try:
            return await last_records(tp, read, self._density, count)
        except ForeignKeyError as exc:
            raise stream_of_another_type(tp) from exc

    async def end_offsets(self, topic: str) -> dict[int, int]:
        """Return the highwater of each partition: the offset that its next record will get."""
        info = await self.topic(topic)
        return self._ends_of(info, await self._ask("HGETALL", self.keys.ends(topic)))

    async def ends(self, topics: Iterable[str]) -> dict[str, dict[int, int]]:
        """Return the highwaters of several topics, by one call to the broker."""
        infos = {topic: await self.topic(topic) for topic in topics}
        pipe = self.redis.pipeline(transaction=False)
        for topic in infos:
            pipe.execute_command("HGETALL", self.keys.ends(topic))
        with codec.foreign_key_named():
            replies = await self._call(pipe.execute()) if infos else []
        return {topic: self._ends_of(info, reply) for (topic, info), reply in zip(infos.items(), replies, strict=True)}

    def _ends_of(self, info: TopicInfo, reply: Mapping[bytes, bytes]) -> dict[int, int]:
        known = {int(p): int(o) for p, o in reply.items()}
        return {p: known.get(p, 0) for p in self.partitions_of(info)}

    async def beginning_offsets(self, topic: str) -> dict[int, int]:
        """Return the lowest offset kept in each partition; the highwater when it keeps no record.

        Return 0 for a partition whose stream cannot be read, so that a reader that begins there misses no record.
        """
        ends = await self.end_offsets(topic)
        first_ids = {TopicPartition(topic, p): "-" for p in ends}
        entries, damaged = await entries_apart(self.redis, self.url, self.keys, first_ids, 1)
        firsts = {tp.partition: first[0] for tp, first in entries.items() if first}
        begins = {p: codec.first_offset_of(entry, ends[p]) for p, entry in firsts.items()}
        return {**ends, **begins, **{tp.partition: 0 for tp in damaged}}

    async def committed(self, group: str) -> dict[TopicPartition, int]:
        """Return a group's committed offset of each partition: the next record to process."""
        reply = await self._ask("HGETALL", self.keys.offsets(group))
        return {codec.topic_partition(name): int(offset) for name, offset in reply.items()}

    async def last_sequence(self, producer: str) -> int | None:
        """Return the number of a producer's last write; None when the log holds none."""
        [number] = await self._ask("HMGET", self.keys.producer(producer), "number")
        return None if number is None else int(number)

    async def source_offsets(self, name: str) -> dict[TopicPartition, int]:
        """Return the next offset to copy of each partition of a copied log."""
        reply = await self._ask("HGETALL", self.keys.source_offsets(name))
        return {codec.topic_partition(place): int(offset) for place, offset in reply.items()}

    async def trim(
        self, topic: str, partitions: Sequence[int], entries_max: int, *, wait_for_groups: bool = True
    ) -> int:
        """Remove records past the topic's retention that no group and no live reader still needs.

        Args:
            topic: The topic; one without retention (0) keeps everything.
            partitions: The partitions to look at.
            entries_max: About how many entries one partition may lose now; bounds how long the call blocks the server.
            wait_for_groups: Whether a record that a group has yet to process stays.

        Returns:
            How many entries were removed; there may be more while it is not 0.
        """
        args = [self.keys.prefix, topic, entries_max, int(wait_for_groups), *partitions]
        return int(await self.run(TRIM, [self.keys.topics], args))

    async def acquire_read_lease(self, topic: str, reader: str, offsets: Mapping[int, int], lease_ms: int) -> None:
        """Protect the records that a reader outside of groups has yet to read from trimming, while its lease lasts."""
        [(seconds, micros)] = await self.at_once(("TIME",))
        until_ms = seconds * 1000 + micros // 1000 + lease_ms
        lease = json.dumps({"until_ms": until_ms, "offsets": {str(p): offset for p, offset in offsets.items()}})
        await self._ask("HSET", self.keys.readers(topic), reader, lease)

    async def release_read_lease(self, topic: str, reader: str) -> None:
        """End a reader's lease."""
        await self._ask("HDEL", self.keys.readers(topic), reader)

    async def reset_offsets(self, group: str, offsets: Mapping[TopicPartition, int]) -> None:
        """Set a group's committed offsets by hand. The group skips, or repeats, the records in between.

        Raises:
            GroupInUseError: while members of it are alive.
        """
        await self._change_group(group, "reset", *(part for tp, offset in offsets.items() for part in (*tp, offset)))

    async def forget_group(self, group: str) -> None:
        """Remove a group. It no longer holds back trimming; a new member begins without committed offsets.

        Raises:
            GroupInUseError: while members of it are alive.
        """
        await self._change_group(group, "forget")

    async def _change_group(self, group: str, operation: str, *args: Any) -> None:
        alive = await self.run(OFFSETS, [self.keys.group(group)], [self.keys.prefix, group, operation, *args])
        if alive:
            names = ", ".join(sorted(member.decode() for member in alive))
            raise GroupInUseError(f"group {group!r} has live members ({names}); stop them first, then repeat this")
