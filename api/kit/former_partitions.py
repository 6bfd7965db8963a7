"""Where the records of a key are, also those from before the number of partitions changed (docs/partitions.md)."""

from __future__ import annotations

from typing import NamedTuple

from faust_redis.log import Log, Position
from faust_redis.log.partitioner import partition_for
from faust_redis.resizing import finished


class Place(NamedTuple):
    """Records of a key are in a partition, below an offset."""

    partition: int
    end: int


async def places_of(log: Log, topic: str, key: str, partitions: int) -> list[Place]:
    """Return where the records of a key are, the newest first. All of one place are newer than those of the next.

    Args:
        log: The log.
        topic: The topic.
        key: The key.
        partitions: The present number of partitions.
    """
    ends = await log.end_offsets(topic)
    number = partition_for(key.encode(), partitions)
    places = [Place(number, ends[number])]
    for resize in reversed(await finished(log)):
        number = partition_for(key.encode(), resize.old)
        if number != places[-1].partition and topic in resize.ends:
            places.append(Place(number, resize.ends[topic].get(number, 0)))
    return places


async def partitions_at(log: Log, position: Position, partitions: int) -> int:
    """Return how many partitions there were at a position. `partitions` is the present number."""
    for resize in reversed(await finished(log)):
        if any(number >= resize.old for number in position.offsets):
            break
        partitions = resize.old
    return partitions
