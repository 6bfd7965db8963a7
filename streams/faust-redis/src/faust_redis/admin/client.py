"""The admin client. Depends on the log and on how Faust encodes assignments, not on a running application."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from faust_redis.admin import replies
from faust_redis.admin.descriptions import (
    GroupDescription,
    InvalidRequestError,
    PartitionDescription,
    TableDescription,
    TopicDescription,
)
from faust_redis.archive.tiered import client_of
from faust_redis.log.address import NAMESPACE, split_options
from faust_redis.log.client import Log
from faust_redis.log.errors import GroupInUseError
from faust_redis.log.records import TopicInfo, TopicPartition, TopicSpec
from faust_redis.log.scripts import DELETE_TOPIC
from faust_redis.log.sharded import open_log

CHANGELOG_SUFFIX = "-changelog"
KEYS_PER_CALL = 1_000


class Admin:
    """Describe and change topics, groups, offsets and tables of one namespace.

    All methods raise `LogUnavailableError` when the broker cannot be reached.
    """

    def __init__(self, log: Log) -> None:
        self.log = log

    @classmethod
    @asynccontextmanager
    async def connect(cls, url: str, namespace: str | None = None) -> AsyncIterator[Admin]:
        """Connect to the broker of an application, by the application's broker URL.

        Args:
            url: A ``redis://``, ``rediss://`` or ``unix://`` URL; those of several shards, separated by commas.
            namespace: The prefix of the keys; when None, the URL's ``namespace`` option, else the library's default.

        Raises:
            BrokerUnsuitableError: The server is too old, or may evict records.
        """
        address, options = split_options(url)
        async with open_log(
            address, namespace or options.get("namespace", NAMESPACE), client=client_of(options.get("archive"))
        ) as log:
            yield cls(log)

    # --- topics -------------------------------------------------------------------------------------------------------

    async def topics(self) -> list[str]:
        """Return the names of all topics, sorted."""
        return await self.log.topics()

    async def describe_topic(self, name: str) -> TopicDescription:
        """Return a topic's declaration and the offsets of its partitions.

        Raises:
            UnknownTopicError: The topic does not exist.
        """
        info = await self.log.topic(name, fresh=True)
        beginnings, ends = await self.log.beginning_offsets(name), await self.log.end_offsets(name)
        partitions = (PartitionDescription(p, beginnings[p], end) for p, end in sorted(ends.items()))
        return TopicDescription(name, info, tuple(partitions))

    async def create_topic(self, spec: TopicSpec) -> TopicInfo:
        """Create a topic, or return the existing one when it matches the declaration.

        Raises:
            TopicMismatchError: The topic exists with another partition count or cleanup policy.
        """
        return await self.log.create_topic(spec)

    async def delete_topic(self, name: str) -> None:
        """Delete a topic: its records, snapshots, rankings and the offsets that groups have committed in it.

        Raises:
            UnknownTopicError: The topic does not exist.
            GroupInUseError: A member of some group is alive. Nothing was deleted.
        """
        having = [shard for shard in self.log.shards if name in await shard.topics()]
        if not having:
            await self.log.topic(name, fresh=True)
        alive = [member.encode() for members in (await self.live_members()).values() for member in members]
        for shard in having:
            alive = alive or await shard.run(DELETE_TOPIC, [shard.keys.topics], [shard.keys.prefix, name])
            if alive:
                raise GroupInUseError(f"workers are running ({_names(alive)}); stop them first, then delete the topic")

    # --- groups -------------------------------------------------------------------------------------------------------

    async def groups(self) -> list[str]:
        """Return the names of all groups that have had a member or a committed offset, sorted."""
        found = [await shard.at_once(("SMEMBERS", shard.keys.groups)) for shard in self.log.shards]
        return sorted({name.decode() for [names] in found for name in names})

    async def describe_group(self, group: str) -> GroupDescription:
        """Return a group's state, live members and committed offsets at one moment.

        A group that does not exist is ``empty``, as in Kafka.
        """
        [description] = await self.describe_groups([group])
        return description

    async def describe_groups(self, groups: Collection[str]) -> list[GroupDescription]:
        """Return the descriptions of several groups, on a shard all of the same moment, in the order given."""
        found = await asyncio.gather(*(_describe(shard, groups) for shard in self.log.shards))
        return [replies.together(parts) for parts in zip(*found, strict=True)]

    async def lag(self, group: str, topics: Iterable[str] = ()) -> dict[TopicPartition, int]:
        """Return how many records of each partition the group has yet to process.

        Args:
            group: The group.
            topics: Topics to include although the group may not have committed an offset in them; those that do not
                exist are left out.
        """
        committed = await self.committed(group)
        selected = sorted({tp.topic for tp in committed} | set(topics))
        offsets, ends = await self.committed_and_ends([group], selected)
        committed = offsets[group]
        found = {TopicPartition(topic, p): end for topic in selected for p, end in ends[topic].items()}
        return lag(committed, found)

    async def committed(self, group: str) -> dict[TopicPartition, int]:
        """Return the next offset to process of each partition that the group has committed."""
        return await self.log.committed(group)

    async def committed_and_ends(
        self, groups: Collection[str], topics: Collection[str]
    ) -> tuple[dict[str, dict[TopicPartition, int]], dict[str, dict[int, int]]]:
        """Return committed offsets by group and high watermarks by topic, on a shard all of the same moment.

        A partition that nothing was written to is left out of the high watermarks; its high watermark is 0.
        """
        committed: dict[str, dict[TopicPartition, int]] = {group: {} for group in groups}
        ends: dict[str, dict[int, int]] = {topic: {} for topic in topics}
        for shard in self.log.shards if groups or topics else ():
            names = [shard.keys.offsets(group) for group in groups] + [shard.keys.ends(topic) for topic in topics]
            found = await shard.at_once(*(("HGETALL", name) for name in names))
            for group, reply in zip(groups, found[: len(groups)], strict=True):
                committed[group] |= replies.committed(reply)
            for topic, reply in zip(topics, found[len(groups) :], strict=True):
                ends[topic] |= replies.ends(reply)
        return committed, ends

    async def log_age_ms(self, topics: Collection[str]) -> int:
        """Return how long ago the oldest end of a partition of some topics was noted, which trimming does; else 0.

        Trimming forgets what is older than the retention.
        """
        known = set(await self.log.topics())
        counts = {topic: (await self.log.topic(topic)).spec.partitions for topic in topics if topic in known}
        return max([await _age_ms(shard, counts) for shard in self.log.shards])

    async def source_offsets_and_ends(
        self, name: str, topics: Collection[str]
    ) -> tuple[dict[TopicPartition, int], dict[str, dict[int, int]]]:
        """Return how far a source connector has copied, and high watermarks by topic afterwards."""
        copied = await self.log.source_offsets(name)
        _, ends = await self.committed_and_ends((), topics)
        return copied, ends

    async def reset_offsets(
        self, group: str, topic: str, to: int | str, partition: int | None = None
    ) -> dict[TopicPartition, int]:
        """Set the offsets at which a group continues, and return the new offsets.

        The group never processes the records that this skips, and processes again those that it repeats.

        Args:
            group: The group.
            topic: The topic.
            to: ``"earliest"``, ``"latest"``, or an offset between the two.
            partition: One partition; all partitions when None.

        Raises:
            GroupInUseError: Members of the group are alive. Nothing was changed.
            InvalidRequestError: There is no such partition, or the offset is out of range.
            UnknownTopicError: The topic does not exist.
        """
        described = {p.partition: p for p in (await self.describe_topic(topic)).partitions}
        if partition is not None and partition not in described:
            raise InvalidRequestError(f"topic {topic!r} has partitions 0 to {len(described) - 1}, not {partition}")
        selected = described.values() if partition is None else [described[partition]]
        offsets = {TopicPartition(topic, p.partition): _offset(p, to) for p in selected}
        await self._require_no_members(group)
        await self.log.reset_offsets(group, offsets)
        return offsets

    async def forget_group(self, group: str) -> None:
        """Remove a group and its offsets, so that it no longer holds back trimming.

        Raises:
            GroupInUseError: Members of the group are alive. Nothing was changed.
            InvalidRequestError: There is no such group.
        """
        names = await self.groups()
        if group not in names:
            raise InvalidRequestError(f"there is no group {group!r}; there are: {', '.join(names) or 'none'}")
        await self._require_no_members(group)
        await self.log.forget_group(group)

    async def _require_no_members(self, group: str) -> None:
        """Refuse a change while a shard has a live member of the group, before another shard is changed.

        Raises:
            GroupInUseError: a member is alive.
        """
        members = (await self.describe_group(group)).members if len(self.log.shards) > 1 else ()
        if members:
            names = ", ".join(member.name for member in members)
            raise GroupInUseError(f"group {group!r} has live members ({names}); stop them first, then repeat this")

    async def live_members(self) -> dict[str, list[str]]:
        """Return the members that hold a lease, by group; groups without one are left out."""
        described = await self.describe_groups(await self.groups())
        return {group.name: [member.name for member in group.members] for group in described if group.members}

    # --- tables -------------------------------------------------------------------------------------------------------

    async def tables(self) -> list[TableDescription]:
        """Return all tables that keep a snapshot, by name: ``<application>-<table>``."""
        return [
            TableDescription(topic.removesuffix(CHANGELOG_SUFFIX), topic, await self.size(topic))
            for topic in await self.topics()
            if topic.endswith(CHANGELOG_SUFFIX) and (await self.log.topic(topic)).spec.compacted
        ]

    async def size(self, topic: str) -> int:
        """Return how many keys of a compacted topic have a value.

        Raises:
            UnknownTopicError: The topic does not exist.
        """
        return sum(await self._of_snapshots(topic, lambda name: ("HLEN", name)))

    async def values(self, topic: str, key: bytes) -> list[bytes]:
        """Return the latest value of a key in each partition of a compacted topic that has one.

        A table's row is in the partition of the event that wrote it. The key alone does not determine this partition.

        Raises:
            UnknownTopicError: The topic does not exist.
        """
        found = await self._of_snapshots(topic, lambda name: ("HGET", name, key))
        return [value for value in found if value is not None]

    async def keys(self, topic: str) -> list[list[bytes]]:
        """Return the keys of a compacted topic that have a value, for each partition.

        Raises:
            UnknownTopicError: The topic does not exist.
        """
        return await self._of_snapshots(topic, lambda name: ("HKEYS", name))

    async def values_at(self, topic: str, places: Sequence[tuple[int, bytes]]) -> list[bytes | None]:
        """Return the latest values of keys, each with its partition; None for one without a value."""
        wanted: dict[int, list[bytes]] = {}
        for partition, key in places:
            wanted.setdefault(partition, []).append(key)
        found = await self.log.ask_each(wanted, lambda names, p: ("HMGET", names.snapshot(topic, p), *wanted[p]))
        values = {partition: iter(reply) for partition, reply in found.items()}
        return [next(values[partition]) for partition, _ in places]

    async def rows(self, topic: str) -> list[tuple[bytes, bytes]]:
        """Return the keys and latest values of a compacted topic, on a shard all of the same moment.

        This is for small topics: the server answers nothing else meanwhile.

        Raises:
            UnknownTopicError: The topic does not exist.
        """
        found = await self._of_snapshots(topic, lambda name: ("HGETALL", name))
        return [row for reply in found for row in reply.items()]

    async def _of_snapshots(self, topic: str, command: Callable[[str], Sequence[Any]]) -> list[Any]:
        """Run a command on the snapshot of each partition; return the replies in the order of partitions."""
        info = await self.log.topic(topic, fresh=True)
        found = await self.log.ask_each(range(info.spec.partitions), lambda names, p: command(names.snapshot(topic, p)))
        return [found[p] for p in range(info.spec.partitions)]

    # --- everything ---------------------------------------------------------------------------------------------------

    async def delete_everything(self) -> int:
        """Delete all keys of the namespace, and return how many there were.

        Raises:
            GroupInUseError: A member of some group is alive. Nothing was deleted.
        """
        alive = [member.encode() for members in (await self.live_members()).values() for member in members]
        if alive:
            raise GroupInUseError(f"workers are running ({_names(alive)}); stop them first: leases end within seconds")
        return sum([await _delete(shard) for shard in self.log.shards])


async def _describe(shard: Log, groups: Collection[str]) -> list[GroupDescription]:
    """Return what one shard knows of groups, all of the same moment."""
    parts = [_parts(shard, group) for group in groups]
    now, *found = await shard.at_once(("TIME",), *(command for commands in parts for command in commands))
    size = len(found) // len(groups) if groups else 0
    now_ms = replies.server_ms(now)
    return [replies.group(group, now_ms, found[i * size : (i + 1) * size]) for i, group in enumerate(groups)]


def _parts(shard: Log, group: str) -> list[tuple[Any, ...]]:
    key = shard.keys.group(group)
    return [
        ("HGETALL", key),
        ("HGETALL", shard.keys.status(group)),
        ("HGETALL", f"{key}:assignments"),
        ("ZRANGE", f"{key}:leases", 0, -1, "WITHSCORES"),
        ("HGETALL", shard.keys.offsets(group)),
    ]


async def _age_ms(shard: Log, counts: Mapping[str, int]) -> int:
    """Return how long ago a shard first noted an end of one of its partitions of some topics."""
    names = [shard.keys.marks(topic, p) for topic, count in counts.items() for p in shard.shard.partitions(count)]
    (seconds, micros), *marks = await shard.at_once(("TIME",), *(("LINDEX", name, 0) for name in names))
    noted = [int(mark.partition(b":")[0]) for mark in marks if mark]
    return max(0, seconds * 1_000 + micros // 1_000 - min(noted)) if noted else 0


async def _delete(shard: Log) -> int:
    """Delete all keys of a shard; return how many there were."""
    pattern = f"{shard.keys.prefix}*"
    names = [name async for name in shard.redis.scan_iter(pattern, count=KEYS_PER_CALL)]
    for start in range(0, len(names), KEYS_PER_CALL):
        await shard.redis.unlink(*names[start : start + KEYS_PER_CALL])
    return len(names)


def lag(committed: Mapping[TopicPartition, int], ends: Mapping[TopicPartition, int]) -> dict[TopicPartition, int]:
    """Return the records between the committed offset and the end of each partition in `ends`."""
    return {tp: max(0, end - committed.get(tp, 0)) for tp, end in ends.items()}


def _offset(partition: PartitionDescription, to: int | str) -> int:
    beginning, end = partition.beginning, partition.end
    offset = {"earliest": beginning, "latest": end}.get(str(to), int(to) if str(to).isdecimal() else -1)
    if not beginning <= offset <= end:
        raise InvalidRequestError(f"expected earliest, latest or an offset from {beginning} to {end}, not {to!r}")
    return offset


def _names(members: Iterable[bytes]) -> str:
    return ", ".join(sorted(member.decode() for member in members))
