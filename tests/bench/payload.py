"""The event of the study's peer benchmarks: 200 bytes of JSON, a thousand keys, seeded order."""

import random
from collections.abc import Iterator

from streams.log import Log, Record, TopicSpec
from streams.log.partitioner import partition_for

KEYS = 1_000
BYTES = 200
BATCH = 500


def payload(number: int, key: str) -> bytes:
    """A JSON object of exactly 200 bytes: id, key, amount, padding."""
    head = f'{{"id":{number + 100_000_000},"key":"{key}","amount":{number % 97}.25,"pad":"'
    return (head + "x" * (BYTES - len(head) - 2) + '"}').encode()


def events(count: int, seed: int) -> Iterator[tuple[bytes, bytes]]:
    """Keys and values."""
    chance = random.Random(seed)
    for number in range(count):
        key = f"k{chance.randrange(KEYS):05d}"
        yield key.encode(), payload(number, key)


async def preload(log: Log, topic: str, partitions: int, count: int, seed: int) -> None:
    """Creates the topic and fills it before anyone reads."""
    await log.create_topic(TopicSpec(topic, partitions))
    records = [
        Record(topic, partition_for(key, partitions), key, value, number)
        for number, (key, value) in enumerate(events(count, seed))
    ]
    for first in range(0, count, BATCH):
        await log.append(records[first : first + BATCH])
