"""A read of several brokers waits for the first that has a record."""

from __future__ import annotations

import asyncio

from faust_redis.log.records import Fetched, StoredRecord, TopicPartition
from faust_redis.log.waiting import Offsets, Waiting

HERE, THERE = TopicPartition("t", 0), TopicPartition("t", 1)
NOTHING = Fetched({}, {})


class Reader:
    """A shard whose reads end when the test says so."""

    def __init__(self) -> None:
        self.reads: list[asyncio.Future[Fetched]] = []

    async def fetch_each(self, offsets: Offsets, *, count: int = 500, block_ms: int | None = None) -> Fetched:
        """Return what the test sets."""
        self.reads.append(asyncio.get_running_loop().create_future())
        return await self.reads[-1]


def found(place: TopicPartition) -> Fetched:
    return Fetched({place: [StoredRecord(0, 1, b"k", b"v")]}, {})


async def test_a_read_that_ended_while_nobody_waited_is_begun_again() -> None:
    waiting, fast, slow = Waiting(), Reader(), Reader()
    parts = [(fast, {HERE: 0}), (slow, {THERE: 0})]

    async def first() -> asyncio.Task[list[Fetched]]:
        task = asyncio.create_task(waiting.first(parts, 1, 100))
        await asyncio.sleep(0.01)
        return task

    waits = await first()
    fast.reads[0].set_result(found(HERE))
    assert await waits == [found(HERE)]
    slow.reads[0].set_result(NOTHING)
    await asyncio.sleep(0.01)
    waits = await first()
    slow.reads[1].set_result(found(THERE))
    assert await waits == [found(THERE)]
    await waiting.end()
