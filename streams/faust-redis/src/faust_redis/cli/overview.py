"""Collect each partition's offsets and the lag of each group, for `topics` and `groups`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from faust_redis.admin import Admin
from faust_redis.log.records import TopicPartition


@dataclass(frozen=True, slots=True)
class PartitionState:
    """One partition: its records have the offsets from `start` up to, but not including, `end`."""

    topic: str
    partition: int
    start: int
    end: int
    committed: Mapping[str, int] = field(default_factory=dict)

    def lag(self, group: str) -> int:
        """Return how many records a group has yet to process."""
        return max(0, self.end - self.committed[group])

    def as_json(self) -> dict[str, Any]:
        """Return the partition as a JSON object, with the lag of each group."""
        return {**asdict(self), "lag": {group: self.lag(group) for group in self.committed}}


async def partition_states(admin: Admin) -> list[PartitionState]:
    """Return every partition of every topic, by name and number."""
    groups = await admin.groups()
    committed, _ = await admin.committed_and_ends(groups, ())
    states = []
    for name in await admin.topics():
        for described in (await admin.describe_topic(name)).partitions:
            place = TopicPartition(name, described.partition)
            of_groups = {group: offsets[place] for group, offsets in committed.items() if place in offsets}
            states.append(PartitionState(*place, described.beginning, described.end, of_groups))
    return states
