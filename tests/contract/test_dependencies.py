"""Agents that share table rows: an event takes effect with, or after, all events that it depends on."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import pytest
from faust.types import TP
from faust_redis.dead_letters import DeadLetters, TransientError
from faust_redis.log import Log

from tests.contract.harness import FIRST, Broker, running, until

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.only_on_redis("dependencies between events are our driver's"),
]

INT: Any = int  # Faust accepts any type here, but its annotation names only some.

STORES = ["faust-redis-rocksdb://", "memory://"]


class Pair:
    """Two agents on co-partitioned topics that add to the same rows; a test can hold each up after its write."""

    def __init__(self, broker: Broker, store: str) -> None:
        self.app = broker.app(store=store)
        self.topics = [self.app.topic(broker.name(n), key_type=str, value_type=INT) for n in ("first", "second")]
        self.out = self.app.topic(broker.name("out"), key_type=str, value_type=INT)
        self.sums = self.app.Table("sums", default=int)
        self.wrote = [asyncio.Event(), asyncio.Event()]
        self.release = [asyncio.Event(), asyncio.Event()]
        self.errors: list[list[Exception]] = [[], []]
        self.handled: Counter[int] = Counter()
        for number in (0, 1):
            self._agent(number)

    def _agent(self, number: int) -> None:
        @self.app.agent(self.topics[number], name=f"agent{number}")
        async def add(stream: Any) -> None:
            async for key, value in stream.items():
                self.handled[number] += 1
                self.sums[key] += value
                await self.out.send(key=key, value=self.sums[key])
                self.wrote[number].set()
                await self.release[number].wait()
                if self.errors[number]:
                    raise self.errors[number].pop(0)

    def committed(self, number: int) -> int:
        consumer: Any = self.app.consumer
        return int(consumer.driver.tracker.committed(TP(self.topics[number].get_topic_name(), FIRST)))

    def finished(self, number: int) -> int:
        consumer: Any = self.app.consumer
        return int(consumer.driver.tracker.first_unfinished(TP(self.topics[number].get_topic_name(), FIRST)))

    async def interleave(self) -> None:
        """Run two events: the second depends on the first, which is held up, and finishes first."""
        await self.topics[0].send(key="k", value=1, partition=FIRST)
        await self.wrote[0].wait()
        self.release[1].set()
        await self.topics[1].send(key="k", value=10, partition=FIRST)
        await until(lambda: self.finished(1) == 1)
        await self.app.producer.flush()

    async def outputs(self, log: Log) -> int:
        return sum((await log.end_offsets(self.out.get_topic_name())).values())


@pytest.mark.parametrize("store", STORES)
async def test_an_event_is_not_committed_before_the_event_whose_row_it_read(
    broker: Broker, log: Log, store: str
) -> None:
    pair = Pair(broker, store)
    async with running(pair.app):
        await pair.interleave()
        assert (pair.committed(1), await pair.outputs(log)) == (0, 0)
        pair.release[0].set()
        await until(lambda: (pair.committed(0), pair.committed(1)) == (1, 1))
        assert dict(pair.sums.items()) == {"k": 11}
        assert await pair.outputs(log) == 2


@pytest.mark.parametrize("store", STORES)
async def test_a_worker_that_dies_between_two_events_on_one_row_doubles_nothing(
    broker: Broker, log: Log, store: str
) -> None:
    pair = Pair(broker, store)
    async with running(pair.app):
        await pair.interleave()
        # The generation is over, as after a crash. Uncommitted events are processed again, the first event last.
        pair.wrote[0].clear()
        consumer: Any = pair.app.consumer
        consumer.driver.fencing.fence("its lease ran out")
        await until(lambda: pair.committed(1) == 1 or pair.handled[1] == 2)
        pair.release[0].set()
        await until(lambda: (pair.committed(0), pair.committed(1)) == (1, 1))
        assert dict(pair.sums.items()) == {"k": 11}
        assert await pair.outputs(log) == 2


@pytest.mark.parametrize("transient", [False, True])
@pytest.mark.parametrize("store", STORES)
async def test_dependents_of_a_failed_event_are_processed_again_without_it(
    broker: Broker, log: Log, store: str, *, transient: bool
) -> None:
    pair = Pair(broker, store)
    letters = DeadLetters(log, f"{broker.name('app')}-dead-letters")
    async with running(pair.app):
        await pair.interleave()
        pair.release[1].clear()
        pair.errors[0].append(TransientError("not yet") if transient else ValueError("poison"))
        pair.release[0].set()
        await until(lambda: pair.handled == {0: 2 if transient else 1, 1: 2})
        await pair.app.producer.flush()
        assert pair.committed(1) == 0  # The event was finished, and is not finished any more.
        pair.release[1].set()
        await until(lambda: (pair.committed(0), pair.committed(1)) == (1, 1))
        assert dict(pair.sums.items()) == {"k": 11 if transient else 10}
        assert await pair.outputs(log) == (2 if transient else 1)
        assert len(await letters.all()) == (0 if transient else 1)
        assert pair.handled[1] == 2


@pytest.mark.parametrize("store", STORES)
async def test_an_event_in_flight_that_depends_on_a_failed_one_writes_nothing_and_starts_over(
    broker: Broker, log: Log, store: str
) -> None:
    pair = Pair(broker, store)
    async with running(pair.app):
        await pair.topics[0].send(key="k", value=1, partition=FIRST)
        await pair.wrote[0].wait()
        await pair.topics[1].send(key="k", value=10, partition=FIRST)
        await pair.wrote[1].wait()
        pair.errors[0].append(ValueError("poison"))
        pair.release[0].set()
        await until(lambda: pair.committed(0) == 1)
        pair.release[1].set()
        await until(lambda: pair.committed(1) == 1)
        assert dict(pair.sums.items()) == {"k": 10}
        assert await pair.outputs(log) == 1
        letters = await DeadLetters(log, f"{broker.name('app')}-dead-letters").all()
        assert [letter.topic for letter in letters] == [pair.topics[0].get_topic_name()]


@pytest.mark.parametrize("store", STORES)
async def test_a_dead_letter_of_an_event_that_depends_on_a_failed_one_is_not_written(
    broker: Broker, log: Log, store: str
) -> None:
    """The event failed on a value that was rolled back, so it gets another chance."""
    pair = Pair(broker, store)
    async with running(pair.app):
        pair.errors[1].append(ValueError("what is this row?"))
        await pair.interleave()
        letters = DeadLetters(log, f"{broker.name('app')}-dead-letters")
        assert await letters.all() == []
        pair.errors[0].append(ValueError("poison"))
        pair.release[0].set()
        await until(lambda: (pair.committed(0), pair.committed(1)) == (1, 1))
        assert [letter.topic for letter in await letters.all()] == [pair.topics[0].get_topic_name()]
        assert dict(pair.sums.items()) == {"k": 10}


@pytest.mark.parametrize("store", STORES)
async def test_events_that_depend_on_each_other_are_committed_together(broker: Broker, log: Log, store: str) -> None:
    app = broker.app(store=store)
    first, second = (app.topic(broker.name(n), key_type=str, value_type=INT) for n in ("first", "second"))
    sums = app.Table("sums", default=int)
    wrote = {"a": asyncio.Event(), "b": asyncio.Event()}
    release = asyncio.Event()

    async def work(stream: Any, mine: str, other: str) -> None:
        async for value in stream:
            sums[mine] += value
            wrote[mine].set()
            await wrote[other].wait()
            sums["seen-" + mine] = sums[other]
            if mine == "a":
                await release.wait()

    @app.agent(first)
    async def one(stream: Any) -> None:
        await work(stream, "a", "b")

    @app.agent(second)
    async def two(stream: Any) -> None:
        await work(stream, "b", "a")

    async with running(app):
        consumer: Any = app.consumer
        await first.send(value=1, partition=FIRST)
        await second.send(value=2, partition=FIRST)
        tps = [TP(topic.get_topic_name(), FIRST) for topic in (first, second)]

        def done(mark: Any) -> list[int]:
            return [mark(tp) for tp in tps]

        await until(lambda: done(consumer.driver.tracker.first_unfinished) == [0, 1])
        await app.producer.flush()
        assert done(consumer.driver.tracker.committed) == [0, 0]
        release.set()
        await until(lambda: done(consumer.driver.tracker.committed) == [1, 1])
        assert dict(sums.items()) == {"a": 1, "b": 2, "seen-a": 2, "seen-b": 1}
