"""Whether all that was appended is processed, by every group and on every shard."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TypeAlias

from faust_redis.admin.client import Admin
from faust_redis.log.client import Log
from faust_redis.log.records import TopicPartition

Places: TypeAlias = dict[str, dict[int, int]]
"""Offsets by topic and partition."""


async def drained(
    log: Log, topics: Sequence[str], groups: Mapping[str, Sequence[str]], sealed: Collection[int] = ()
) -> tuple[list[Places], str | None]:
    """Return the ends of each shard's partitions, and the first group that has yet to process records there, if any.

    The records on their way to other shards count, too, unless they are for a shard that is sealed: it takes them when
    it has its new partitions.
    """
    ends: list[Places] = []
    waits: str | None = None
    for shard in log.shards:
        admin = Admin(shard)
        known = await admin.groups()
        reads = {name: set(groups.get(name, ())) for name in sorted({*known, *groups})}
        names = [*topics, *(topic for topic in await shard.topics() if topic not in topics)]
        committed, found = await admin.committed_and_ends(list(reads), names)
        ends.append({topic: by_partition for topic, by_partition in found.items() if by_partition})
        for group, done in committed.items():
            read = (reads[group] | {tp.topic for tp in done}) - {f"{group}-{number}" for number in sealed}
            for topic in sorted(read & found.keys()):
                for partition, end in found[topic].items():
                    if (lag := end - done.get(TopicPartition(topic, partition), 0)) > 0:
                        waits = waits or f"{group} has {lag} records of {topic}:{partition} before it"
    return ends, waits
