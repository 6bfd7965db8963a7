"""How the workers' group stands, and how far it is behind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from faust_redis.admin import Admin, GroupDescription
from faust_redis.admin.client import lag
from faust_redis.log import Log, TopicPartition, UnknownTopicError

from tables.domains import TOPOLOGY

__all__ = ["Workers", "highwaters", "lag", "workers"]


@dataclass(frozen=True, slots=True)
class Workers:
    """The group at one moment."""

    group: GroupDescription

    @property
    def state(self) -> str:
        """Return the group's state: empty, preparing, syncing or stable."""
        return self.group.state

    @property
    def generation(self) -> int:
        """Return the group's generation."""
        return self.group.generation

    @property
    def alive(self) -> frozenset[str]:
        """Return the members with a running lease."""
        return frozenset(member.name for member in self.group.members)

    @property
    def recovered(self) -> frozenset[str]:
        """Return the members that report, in this generation, that their tables are recovered."""
        return frozenset(member.name for member in self.group.members if member.recovered)

    @property
    def committed(self) -> Mapping[TopicPartition, int]:
        """Return the next offset to process of each partition."""
        return self.group.committed

    @property
    def ready(self) -> bool:
        """Whether each partition belongs to a live worker with recovered tables."""
        return self.group.ready

    @property
    def why_not(self) -> str:
        """Say what is missing until the group is ready."""
        return self.group.why_not_ready


async def workers(log: Log, group: str) -> Workers:
    """Return how the workers of a group stand."""
    return Workers(await Admin(log).describe_group(group))


async def workers_by_domain(log: Log, app_id: str) -> dict[str, Workers]:
    """Return how the workers of each domain are doing."""
    return {domain: await workers(log, group) for domain, group in TOPOLOGY.groups(app_id).items()}


def greatest_lag(domains: Mapping[str, Workers], ends: Mapping[TopicPartition, int]) -> dict[TopicPartition, int]:
    """Return, for each partition, the records that the slowest domain has yet to process."""
    behind: dict[TopicPartition, int] = {}
    for name, group in domains.items():
        mine = {tp: end for tp, end in ends.items() if tp.topic in TOPOLOGY.domain(name).consumes}
        for tp, records in lag(group.committed, mine).items():
            behind[tp] = max(records, behind.get(tp, 0))
    return behind


async def highwaters(log: Log) -> dict[TopicPartition, int]:
    """Return the high watermark of each partition that the workers process; a topic that does not exist is left out."""
    found = {}
    for topic in sorted({topic for domain in TOPOLOGY.domains for topic in domain.consumes}):
        try:
            ends = await log.end_offsets(topic)
        except UnknownTopicError:
            continue
        found.update({TopicPartition(topic, p): offset for p, offset in ends.items()})
    return found
