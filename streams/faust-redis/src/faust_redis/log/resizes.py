"""What the broker remembers of changes of the number of partitions: the one in progress, and the finished ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import orjson

from faust_redis.log.client import Log


@dataclass(frozen=True, slots=True)
class InProgress:
    """A resize that has begun on a shard.

    Attributes:
        id: Its id.
        phase: ``draining`` until all events are processed, then ``moving``.
        old: The number of partitions before.
        new: The number of partitions after.
        began_ms: When it began, in milliseconds.
    """

    id: str
    phase: str
    old: int
    new: int
    began_ms: int

    def __str__(self) -> str:
        return f"from {self.old} to {self.new} partitions"


@dataclass(frozen=True, slots=True)
class Finished:
    """A resize in the past of a log.

    Attributes:
        old: The number of partitions before.
        new: The number of partitions after.
        at_ms: When the topics opened again, in milliseconds.
        ends: Where the partitions of each topic ended then. Keys had moved to other partitions from there on.
    """

    old: int
    new: int
    at_ms: int
    ends: Mapping[str, Mapping[int, int]]


async def in_progress(shard: Log) -> InProgress | None:
    """Return the resize that has begun on a shard and is not finished there."""
    [found] = await shard.at_once(("HMGET", shard.keys.resize, "id", "phase", "from", "to", "began_ms"))
    if found[0] is None:
        return None
    name, phase, old, new, began_ms = (part.decode() for part in found)
    return InProgress(name, phase, int(old), int(new), int(began_ms))


async def plan_of(shard: Log, name: str) -> bytes | None:
    """Return the plan of a resize that has been sealed; None when it is not in progress any more."""
    [[found, plan]] = await shard.at_once(("HMGET", shard.keys.resize, "id", "plan"))
    return plan if found == name.encode() else None


async def finished(log: Log) -> list[Finished]:
    """Return the finished resizes, the first one first, with the ends of all shards."""
    by_shard = [[_finished(raw) for raw in await _listed(shard)] for shard in log.shards]
    count = min(map(len, by_shard))
    return [_joined([resizes[number] for resizes in by_shard]) for number in range(count)]


async def _listed(shard: Log) -> list[bytes]:
    [found] = await shard.at_once(("LRANGE", shard.keys.resizes, 0, -1))
    return list(found)


def _finished(raw: bytes) -> Finished:
    found = orjson.loads(raw)
    ends = {topic: {int(p): end for p, end in by_partition.items()} for topic, by_partition in found["ends"].items()}
    return Finished(found["from"], found["to"], found["at_ms"], ends)


def _joined(parts: list[Finished]) -> Finished:
    topics = {topic for part in parts for topic in part.ends}
    ends = {topic: {p: end for part in parts for p, end in part.ends.get(topic, {}).items()} for topic in topics}
    return Finished(parts[0].old, parts[0].new, max(part.at_ms for part in parts), ends)
