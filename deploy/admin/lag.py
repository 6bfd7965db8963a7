"""What stands in each partition and how far each group is: the figures behind `astratrade topics`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass, field
from typing import Any, cast

from faust_redis.log import Log, TopicPartition

SCAN_COUNT = 1000


@dataclass(frozen=True, slots=True)
class PartitionState:
    """One partition: its records are those from `start` up to, not including, `end`."""

    topic: str
    partition: int
    start: int
    end: int
    committed: dict[str, int] = field(default_factory=dict)

    def lag(self, group: str) -> int:
        """Records that a group has yet to process."""
        return self.end - self.committed[group]

    def as_json(self) -> dict[str, Any]:
        """As a JSON object, with the lag of each group."""
        return {**asdict(self), "lag": {group: self.lag(group) for group in self.committed}}


async def partition_states(log: Log) -> list[PartitionState]:
    """Every partition of every topic, by name and number."""
    committed = {group: await log.committed(group) for group in await groups(log)}
    states = []
    for topic in await log.topics():
        starts, ends = await log.beginning_offsets(topic), await log.end_offsets(topic)
        for partition, end in sorted(ends.items()):
            place = TopicPartition(topic, partition)
            of_groups = {group: offsets[place] for group, offsets in committed.items() if place in offsets}
            states.append(PartitionState(topic, partition, starts[partition], end, of_groups))
    return states


async def groups(log: Log) -> list[str]:
    """Names of the groups that have committed something."""
    return await _names(log, log.keys.offsets("*"))


async def leases(log: Log) -> dict[str, list[str]]:
    """Members that hold a lease just now, by group."""
    seconds, micros = await log.redis.time()
    now_ms = seconds * 1000 + micros // 1000
    found = {}
    for group in await _names(log, log.keys.group("*") + ":leases"):
        held = await log.redis.zrangebyscore(log.keys.group(group) + ":leases", now_ms, "+inf")
        members = cast("list[bytes]", held)
        if members:
            found[group] = sorted(member.decode() for member in members)
    return found


async def _names(log: Log, pattern: str) -> list[str]:
    """What the star of a key pattern stands for, in every key that matches it."""
    prefix, _, suffix = pattern.partition("*")
    escaped = pattern.replace("[", "\\[").replace("?", "\\?")
    found = cast("AsyncIterator[bytes]", log.redis.scan_iter(escaped, count=SCAN_COUNT))  # replies are raw
    return sorted([key.decode()[len(prefix) : len(key) - len(suffix)] async for key in found])
