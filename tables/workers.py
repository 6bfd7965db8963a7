"""How the workers are doing: the group's state, its live members and what each says of itself, and the lag."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import orjson
from faust_redis.log import Log, TopicPartition, UnknownTopicError
from faust_redis.log.codec import topic_partition

from tables.domains import TOPOLOGY

STABLE = "stable"
EMPTY = "empty"


@dataclass(frozen=True, slots=True)
class Workers:
    """The group at one moment.

    Attributes:
        state: empty, preparing, syncing or stable.
        alive: Members whose lease runs.
        recovered: Those of them that say, in this generation, that their tables are recovered.
        committed: The next offset to process of each partition.
    """

    state: str
    generation: int
    alive: frozenset[str]
    recovered: frozenset[str]
    committed: Mapping[TopicPartition, int]

    @property
    def ready(self) -> bool:
        """Whether every partition is with a live worker whose tables are recovered."""
        return self.state == STABLE and bool(self.alive) and self.recovered >= self.alive

    @property
    def why_not(self) -> str:
        """What is missing, for people."""
        if not self.alive:
            return "no worker is alive"
        if self.state != STABLE:
            return f"the group is {self.state}: partitions are being assigned"
        return f"{len(self.alive - self.recovered)} of {len(self.alive)} workers are still recovering their tables"


async def workers(log: Log, group: str) -> Workers:
    """Read how the workers of a group are doing."""
    key = log.keys.group(group)
    (seconds, _), fields, statuses, offsets, leases = await log.at_once(
        ("TIME",),
        ("HGETALL", key),
        ("HGETALL", log.keys.status(group)),
        ("HGETALL", log.keys.offsets(group)),
        ("ZRANGE", f"{key}:leases", 0, -1, "WITHSCORES"),
    )
    generation = int(fields.get(b"generation", 0))
    told = {member.decode(): orjson.loads(status) for member, status in statuses.items()}
    return Workers(
        state=fields.get(b"state", EMPTY.encode()).decode(),
        generation=generation,
        alive=frozenset(
            member.decode()
            for member, until_ms in zip(leases[::2], leases[1::2], strict=True)
            if float(until_ms) >= seconds * 1_000
        ),
        recovered=frozenset(member for member, status in told.items() if _recovered(status, generation)),
        committed={topic_partition(name): int(offset) for name, offset in offsets.items()},
    )


def _recovered(status: Mapping[str, object], generation: int) -> bool:
    return status.get("generation") == generation and status.get("recovered") is True


async def highwaters(log: Log) -> dict[TopicPartition, int]:
    """Highwater of each partition of the topics that the workers process; topics not made yet are left out."""
    found = {}
    for topic in sorted({topic for domain in TOPOLOGY.domains for topic in domain.consumes}):
        try:
            ends = await log.end_offsets(topic)
        except UnknownTopicError:
            continue
        found.update({TopicPartition(topic, p): offset for p, offset in ends.items()})
    return found


def lag(committed: Mapping[TopicPartition, int], ends: Mapping[TopicPartition, int]) -> dict[TopicPartition, int]:
    """Records that each partition has yet to be processed."""
    return {tp: max(0, end - committed.get(tp, 0)) for tp, end in ends.items()}
