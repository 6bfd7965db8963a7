"""The event of the benchmarks: 200 bytes of JSON, a thousand keys, seeded order; and the topic that it fills."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Sequence

from faust_redis.log import Log, Record, TopicPartition
from faust_redis.log.partitioner import partition_for

KEYS = 1_000
BYTES = 200
ID_FIRST = 100_000_000
"""Ids have nine digits, so that all events have the same length."""

APPEND_RECORDS = 500


def payload(number: int, key: str) -> bytes:
    """Return a JSON object of exactly 200 bytes: id, key, amount, padding."""
    head = f'{{"id":{ID_FIRST + number},"key":"{key}","amount":{number % 97}.25,"pad":"'
    return (head + "x" * (BYTES - len(head) - 2) + '"}').encode()


def events(count: int, seed: int, first: int = 0) -> Iterator[tuple[bytes, bytes]]:
    """Yield keys and values."""
    chance = random.Random(f"{seed}:{first}")
    for number in range(first, first + count):
        key = f"k{chance.randrange(KEYS):05d}"
        yield key.encode(), payload(number, key)


def records(topic: str, partitions: int, count: int, seed: int, first: int = 0) -> list[Record]:
    """Yield the events as records of a topic, partitioned by key."""
    return [
        Record(topic, partition_for(key, partitions), key, value, number)
        for number, (key, value) in enumerate(events(count, seed, first), first)
    ]


async def append(log: Log, batch: Sequence[Record]) -> None:
    """Append records in calls of a bounded size."""
    for start in range(0, len(batch), APPEND_RECORDS):
        await log.append(batch[start : start + APPEND_RECORDS])


def counted(batch: Sequence[Record]) -> Counter[str]:
    """Return how often each key occurs: the rows that a counting table must hold."""
    return Counter((record.key or b"").decode() for record in batch)


def places(topic: str, partitions: int) -> list[TopicPartition]:
    """Return all partitions of a topic."""
    return [TopicPartition(topic, number) for number in range(partitions)]
