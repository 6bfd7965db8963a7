"""Write to the shards of a namespace, read what arrived, and restore one to an earlier state."""

from __future__ import annotations

from collections.abc import Sequence

from faust_redis.log import (
    Appended,
    Log,
    Record,
    TopicPartition,
)
from faust_redis.log.forwarding import Forwarder

SHARDS = 3
HERE, THERE = TopicPartition("t", 0), TopicPartition("t", 1)
Dump = dict[bytes, bytes]


async def send(log: Log, *values: int) -> Appended:
    """Write each value to a partition of the writer's own shard and to one of shard 1, in one write."""
    places = (HERE, THERE)
    return await log.append([Record(*at, b"k", b"%d" % value, 1, (("h", b"x"),)) for value in values for at in places])


async def values(log: Log, place: TopicPartition) -> list[int]:
    return [int(one.value or b"") for one in (await log.fetch({place: 0})).get(place, [])]


async def dump(log: Log) -> Dump:
    """Return everything on a shard."""
    keys = [key async for key in log.redis.scan_iter(f"{log.keys.prefix}*")]
    return dict(zip(keys, [await log.redis.dump(key) for key in keys], strict=True))


async def restore(log: Log, kept: Dump) -> None:
    """Restore a shard to an earlier state."""
    await log.redis.delete(*[key async for key in log.redis.scan_iter(f"{log.keys.prefix}*")])
    for key, value in kept.items():
        await log.redis.restore(key, 0, value)


def forwarder(shards: Sequence[Log]) -> Forwarder:
    return Forwarder(shards[0], shards[1], "g", 1)
