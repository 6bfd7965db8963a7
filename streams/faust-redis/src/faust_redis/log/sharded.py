"""The client of a log on several brokers. It reads and writes each partition on the shard that holds it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from faust_redis.log.address import NAMESPACE, split_urls
from faust_redis.log.client import Log
from faust_redis.log.forwarding import Forwarder
from faust_redis.log.records import (
    Appended,
    Fence,
    Fetched,
    StoredRecord,
    TopicInfo,
    TopicPartition,
    TopicSpec,
    WriteBatch,
    WriteId,
)
from faust_redis.log.shards import WHOLE, Shard, joined, shards_of
from faust_redis.log.waiting import Waiting

T = TypeVar("T")


Client = Callable[..., Log]
"""Makes the client of one shard; it takes what `Log` takes."""


def open_log(url: str, namespace: str = NAMESPACE, *, owner: str = "", transit: str = "", client: Client = Log) -> Log:
    """Return the client of a log on one broker or several.

    Args:
        url: The broker's URL, or those of the shards in their order, separated by commas.
        namespace: The namespace.
        owner: The application that the namespace belongs to; empty to share it.
        transit: For a client whose writes are to be atomic over all shards: what the names of its transit topics begin
            with. No other kind of process may have the same.
        client: Makes the client of each shard, such as one that also reads an archive.
    """
    urls = split_urls(url)
    if len(urls) == 1:
        return client(urls[0], namespace, owner=owner)
    return ShardedLog(urls, namespace, owner=owner, transit=transit, client=client)


class ShardedLog(Log):
    """A log whose partitions are spread over several brokers.

    What concerns no partition is on the first shard: live services, and keys of the application's own (`run`,
    `at_once`). Reads of several partitions are of one moment on each shard. A write of records is atomic on each shard;
    with the same `WriteId` a retry completes it. A client with a name for its transit topics writes all to the first
    shard in one write, and its `forwarders` take the records to the others.
    """

    def __init__(
        self,
        urls: Sequence[str],
        namespace: str = NAMESPACE,
        *,
        owner: str = "",
        transit: str = "",
        client: Client = Log,
    ) -> None:
        super().__init__(urls[0], namespace, owner=owner, shard=Shard(0, len(urls)), transit=transit)
        self._transit_name = transit
        self._shards = [
            client(url, namespace, owner=owner, shard=shard, transit=transit)
            for url, shard in zip(urls, shards_of(urls), strict=True)
        ]
        self.redis = self._shards[0].redis
        self.shard = WHOLE
        self._waiting = Waiting()

    @property
    def shards(self) -> Sequence[Log]:
        """Return the shards, by number."""
        return self._shards

    def forwarders(self) -> list[Forwarder]:
        """Return what forwards the records of this client's writes; its process runs them."""
        source, *others = self._shards
        if not self._transit_name:
            return []
        return [Forwarder(source, each, self._transit_name, each.shard.number) for each in others]

    async def check(self) -> None:
        """Check the broker of each shard, see `Log.check`."""
        await self._all(each.check() for each in self._shards)

    async def close(self) -> None:
        """Close all connections."""
        await self._waiting.end()
        for each in self._shards:
            await each.close()

    # --- topics -------------------------------------------------------------------------------------------------------

    async def create_topic(self, spec: TopicSpec) -> TopicInfo:
        """Create a topic on each shard, see `Log.create_topic`."""
        return _info([await each.create_topic(spec) for each in self._shards])

    async def declare_topic(self, spec: TopicSpec) -> TopicInfo:
        """Create a topic on each shard, or return the one that exists, see `Log.declare_topic`."""
        return _info([await each.declare_topic(spec) for each in self._shards])

    async def topic(self, name: str, *, fresh: bool = False) -> TopicInfo:
        """Return a topic's declaration and incarnation, see `Log.topic`."""
        found = await self._all(each.topic(name, fresh=fresh) for each in self._shards)
        if not fresh and len({info.spec.partitions for info in found}) > 1:  # one of them was seen before a resize
            found = await self._all(each.topic(name, fresh=True) for each in self._shards)
        return _info(found)

    def known_topic(self, name: str) -> TopicInfo | None:
        """Return a topic from the cache, see `Log.known_topic`."""
        known = [info for each in self._shards if (info := each.known_topic(name)) is not None]
        return _info(known) if len(known) == len(self._shards) else None

    async def topics(self) -> list[str]:
        """Return the names of the topics that all shards have, sorted. Transit topics are a shard's own."""
        first, *others = [set(names) for names in await self._all(each.topics() for each in self._shards)]
        return sorted(first.intersection(*others))

    # --- writing ------------------------------------------------------------------------------------------------------

    async def commit(
        self,
        batch: WriteBatch,
        *,
        fence: Fence | None = None,
        write_id: WriteId | None = None,
        require: tuple[str, int, str] | None = None,
    ) -> Appended:
        """Write each shard's part of a batch, see `Log.commit`.

        A member of a group writes to its own shard, and not by this client: `fence` and rows belong to one shard.
        Committed offsets are on the shard of their partition, where they hold back its trimming.
        """
        if self._transit_name and (batch.records or batch.columns or batch.rows or batch.source_offsets):
            return await self._shards[0].commit(batch, write_id=write_id, require=require)
        if fence is not None or batch.rows or batch.columns or batch.source_offsets is not None:
            raise ValueError("this client writes records and offsets; a name for its transit topics is needed for more")
        numbers = [self.shard_of(one.partition or 0) for one in batch.records]
        if require is not None and set(numbers) - {self.shard_of(require[1])}:
            raise ValueError("a write that requires a row writes to the shard of the row alone")
        used = {*numbers, *(self.shard_of(tp.partition) for tp in batch.offsets)}
        if require is not None:
            used.add(self.shard_of(require[1]))
        parts = {number: self._part(batch, numbers, number) for number in sorted(used)}
        results = await self._all(
            self._shards[number].commit(
                part,
                write_id=write_id,
                require=require if require is not None and self.shard_of(require[1]) == number else None,
            )
            for number, part in parts.items()
        )
        offsets = {number: iter(result.offsets) for number, result in zip(parts, results, strict=True)}
        counted = next((one.counted for one in results if one.counted is not None), None)
        again = all(one.again for one in results)
        return Appended(tuple(next(offsets[number]) for number in numbers), again, counted=counted)

    def _part(self, batch: WriteBatch, numbers: Sequence[int], number: int) -> WriteBatch:
        """Return the part of a batch that one shard writes."""
        records = [one for one, its in zip(batch.records, numbers, strict=True) if its == number]
        own = {tp: offset for tp, offset in batch.offsets.items() if self.shard_of(tp.partition) == number}
        held = {tp: one for tp, one in batch.preconditions.items() if tp in own}
        return replace(batch, records=records, offsets=own, preconditions=held)

    # --- reading ------------------------------------------------------------------------------------------------------

    async def fetch_each(
        self, offsets: Mapping[TopicPartition, int], *, count: int = 500, block_ms: int | None = None
    ) -> Fetched:
        """Fetch from each shard, see `Log.fetch_each`. Wait until one of them has a record."""
        parts = self._parts(offsets)
        found = _merged(await self._all(each.fetch_each(part, count=count) for each, part in parts), offsets)
        if found.records or found.damaged or block_ms is None or not parts:
            return found
        return _merged(await self._waiting.first(parts, count, block_ms), offsets)

    async def at(self, offsets: Mapping[TopicPartition, int]) -> dict[TopicPartition, StoredRecord | None]:
        """Return the record at an offset of each partition, see `Log.at`."""
        found = await self._all(each.at(part) for each, part in self._parts(offsets))
        return {tp: record for part in found for tp, record in part.items()}

    def rows(self, tp: TopicPartition, count: int = 1_000) -> AsyncIterator[list[tuple[bytes, bytes]]]:
        """Yield the snapshot of a compacted partition, see `Log.rows`."""
        return self.holder(tp.partition).rows(tp, count)

    async def tail(self, tp: TopicPartition, count: int) -> list[StoredRecord]:
        """Return the last records of a partition, see `Log.tail`."""
        return await self.holder(tp.partition).tail(tp, count)

    async def end_offsets(self, topic: str) -> dict[int, int]:
        """Return the high watermark of each partition."""
        return _joined(await self._all(each.end_offsets(topic) for each in self._shards))

    async def beginning_offsets(self, topic: str) -> dict[int, int]:
        """Return the lowest offset kept in each partition, see `Log.beginning_offsets`."""
        return _joined(await self._all(each.beginning_offsets(topic) for each in self._shards))

    async def committed(self, group: str) -> dict[TopicPartition, int]:
        """Return a group's committed offset of each partition."""
        return _joined(await self._all(each.committed(group) for each in self._shards))

    # --- retention and groups -----------------------------------------------------------------------------------------

    async def trim(
        self, topic: str, partitions: Sequence[int], entries_max: int, *, wait_for_groups: bool = True
    ) -> int:
        """Remove records that are no longer needed, see `Log.trim`."""
        parts = [(each, [p for p in partitions if each.shard.holds(p)]) for each in self._shards]
        return sum(
            await self._all(
                each.trim(topic, some, entries_max, wait_for_groups=wait_for_groups) for each, some in parts if some
            )
        )

    async def acquire_read_lease(self, topic: str, reader: str, offsets: Mapping[int, int], lease_ms: int) -> None:
        """Protect records from trimming, see `Log.acquire_read_lease`."""
        parts = [(each, {p: o for p, o in offsets.items() if each.shard.holds(p)}) for each in self._shards]
        await self._all(each.acquire_read_lease(topic, reader, part, lease_ms) for each, part in parts if part)

    async def release_read_lease(self, topic: str, reader: str) -> None:
        """End a reader's lease."""
        await self._all(each.release_read_lease(topic, reader) for each in self._shards)

    async def reset_offsets(self, group: str, offsets: Mapping[TopicPartition, int]) -> None:
        """Set a group's committed offsets by hand, see `Log.reset_offsets`."""
        await self._all(each.reset_offsets(group, part) for each, part in self._parts(offsets))

    async def forget_group(self, group: str) -> None:
        """Remove a group from each shard, see `Log.forget_group`."""
        await self._all(each.forget_group(group) for each in self._shards)

    def _parts(self, offsets: Mapping[TopicPartition, int]) -> list[tuple[Log, dict[TopicPartition, int]]]:
        """Return the shards that hold some partitions, each with its own."""
        parts: dict[int, dict[TopicPartition, int]] = {}
        for tp, offset in offsets.items():
            parts.setdefault(self.shard_of(tp.partition), {})[tp] = offset
        return [(self._shards[number], part) for number, part in sorted(parts.items())]

    @staticmethod
    async def _all(calls: Any) -> list[Any]:
        """Run calls at once; when one fails, wait for the others and raise its error."""
        results = await asyncio.gather(*calls, return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result
        return list(results)


def _info(infos: Sequence[TopicInfo]) -> TopicInfo:
    """Return what a topic is on all shards: until a resize has finished on each, as it was before."""
    counts = {info.spec.partitions for info in infos}
    moving = len(counts) > 1 or any(info.moving for info in infos)
    spec = replace(infos[0].spec, partitions=min(counts))
    return TopicInfo(spec, joined([info.incarnation for info in infos]), moving)


def _joined(parts: Sequence[dict[Any, int]]) -> dict[Any, int]:
    return {key: value for part in parts for key, value in part.items()}


def _merged(parts: Sequence[Fetched], offsets: Mapping[TopicPartition, int]) -> Fetched:
    """Return the records of several shards, which were read at different moments."""
    return Fetched(
        {tp: some for part in parts for tp, some in part.records.items()},
        {tp: error for part in parts for tp, error in part.damaged.items()},
        is_full=any(part.is_full for part in parts),
        cut=frozenset(offsets),
    )
