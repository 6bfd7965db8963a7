"""An app that consumes in append order: no agent begins with a record before all records appended earlier are done."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import pytest
from faust_redis import consume_in_append_order
from faust_redis.batches import Batch, batch_agent
from faust_redis.dead_letters import DeadLetters, TransientError
from faust_redis.hooks import Committed, HeldBack, Hooks, add_hooks
from faust_redis.log import Log, Record, TopicPartition, TopicSpec

from tests.contract.harness import FIRST, PARTITIONS, SECOND, TOPIC_PARTITIONS, Broker, running, until

pytestmark = pytest.mark.only_on_redis("append numbers are our log's")

DEEP, SHALLOW = 1_500, 12
Place = tuple[str, int]
"""A topic and an offset."""


def raw(app: Any, name: str) -> Any:
    """Return a topic of raw bytes."""
    return app.topic(name, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw")


class Work:
    """Two topics, and an app that consumes both in append order and notes what its agents did."""

    def __init__(self, broker: Broker, log: Log, member: str = "m1", **settings: Any) -> None:
        self.log = log
        self.names = [broker.name("deep"), broker.name("shallow")]
        self.app = broker.app(member=member, **settings)
        consume_in_append_order(self.app)
        self.topics = [raw(self.app, name) for name in self.names]
        self.done: defaultdict[int, list[Place]] = defaultdict(list)
        self.letters = DeadLetters(log, f"{broker.name('app')}-dead-letters")

    async def create(self) -> None:
        for name in self.names:
            await self.log.create_topic(TopicSpec(name, TOPIC_PARTITIONS))

    async def append(self, pattern: Iterable[int], partition: int = FIRST) -> None:
        """Append records to the topics with these numbers, one write each."""
        for topic in pattern:
            await self.log.append([Record(self.names[topic], partition, b"k", b"v", 7)])

    async def expected(self, partition: int = FIRST) -> list[Place]:
        """Return the places of all records of a partition number in append order."""
        tps = [TopicPartition(name, partition) for name in self.names]
        found = await self.log.fetch(dict.fromkeys(tps, 0), count=100_000)
        numbered = [(record.order, tp.topic, record.offset) for tp, records in found.items() for record in records]
        return [(topic, offset) for _, topic, offset in sorted(numbered)]

    async def is_committed(self) -> bool:
        committed = await self.log.committed(self.app.conf.id)
        ends = {
            TopicPartition(name, p): end for name in self.names for p, end in (await self.log.end_offsets(name)).items()
        }
        return all(committed.get(tp, 0) == end for tp, end in ends.items())


def mixed(partition: int) -> list[int]:
    """Return a deep topic with a shallow one in between, other places in each partition."""
    pattern = [0] * (DEEP // len(PARTITIONS))
    for number in range(SHALLOW):
        pattern.insert((number * 97 + partition * 31) % len(pattern), 1)
    return pattern


async def test_agents_process_the_records_of_two_topics_in_the_order_of_their_appending(
    broker: Broker, log: Log
) -> None:
    work = Work(broker, log)
    sizes: list[int] = []
    for topic in work.topics:

        @batch_agent(work.app, topic, name=topic.get_topic_name())
        async def note(batch: Batch[bytes]) -> None:
            sizes.append(len(batch))
            await asyncio.sleep(0.001)
            work.done[batch.partition] += [(batch.topic, record.offset) for record in batch]

    await work.create()
    for partition in PARTITIONS:
        await work.append(mixed(partition), partition)
    async with running(work.app):
        await until(work.is_committed)
        for partition in PARTITIONS:
            await work.append([0, 1, 1, 0, 0, 1], partition)
        await until(work.is_committed)
    for partition in PARTITIONS:
        assert work.done[partition] == await work.expected(partition)
    assert max(sizes) > 16, "the batches are small"


async def test_later_records_wait_for_a_failing_one_until_it_succeeds_or_becomes_a_dead_letter(
    broker: Broker, log: Log
) -> None:
    work = Work(broker, log)
    attempts: defaultdict[Place, int] = defaultdict(int)
    deep, shallow = work.names
    for topic in work.topics:

        @batch_agent(work.app, topic, name=topic.get_topic_name())
        async def fail(batch: Batch[bytes]) -> None:
            for record in batch:
                place = (batch.topic, record.offset)
                if len(batch) == 1:
                    attempts[place] += 1
                if place == (deep, 7) and attempts[place] < 3:
                    raise TransientError("not yet")
                if place in {(deep, 13), (shallow, 1)}:
                    raise ValueError("never")
            work.done[batch.partition] += [(batch.topic, record.offset) for record in batch]

    await work.create()
    await work.append([0] * 10 + [1] + [0] * 10 + [1] + [0] * 5 + [1])
    async with running(work.app):
        await until(work.is_committed)
        letters = {(letter.topic, letter.offset) for letter in await work.letters.all()}
    assert letters == {(deep, 13), (shallow, 1)}
    assert attempts[deep, 7] == 3
    assert work.done[FIRST] == [place for place in await work.expected() if place not in letters]


async def test_events_of_an_agent_without_batches_wait_for_a_failing_one(broker: Broker, log: Log) -> None:
    work = Work(broker, log)
    deep, _ = work.names
    failures = 2
    for topic in work.topics:

        @work.app.agent(topic, name=topic.get_topic_name())
        async def note(stream: Any) -> None:
            nonlocal failures
            async for event in stream.events():
                place = (event.message.topic, event.message.offset)
                if place == (deep, 3) and failures:
                    failures -= 1
                    raise TransientError("not yet")
                work.done[event.message.partition].append(place)

    await work.create()
    await work.append([0] * 8 + [1, 0, 1, 1, 0])
    async with running(work.app):
        await until(work.is_committed)
    assert work.done[FIRST] == await work.expected()


@pytest.mark.parametrize("way", ["two agents of one topic", "concurrency"])
async def test_records_that_agents_could_take_at_the_same_time_are_delivered_one_by_one(
    broker: Broker, log: Log, way: str
) -> None:
    work = Work(broker, log)
    begun: list[Place] = []
    overlaps: list[tuple[Place, Place]] = []
    running_now: set[Place] = set()

    def agent(pause_s: float) -> Any:
        async def process(stream: Any) -> None:
            async for event in stream.events():
                place = (event.message.topic, event.message.offset)
                overlaps.extend((place, other) for other in running_now if other != place)
                running_now.add(place)
                begun.append(place)
                await asyncio.sleep(pause_s)
                running_now.discard(place)

        return process

    deep, shallow = work.topics
    work.app.agent(shallow, name="shallow")(agent(0.001))
    if way == "concurrency":
        work.app.agent(deep, name="deep", concurrency=3)(agent(0.002))
    else:
        work.app.agent(deep, name="quick")(agent(0.001))
        work.app.agent(deep, name="slow")(agent(0.004))
    await work.create()
    await work.append([0, 0, 0, 1, 0, 1, 1, 0, 0])
    async with running(work.app):
        await until(work.is_committed)
    assert overlaps == []
    assert list(dict.fromkeys(begun)) == await work.expected()


class Commits(Hooks):
    """Hooks that note the committed offsets after each commit, and held-back partitions."""

    def __init__(self) -> None:
        self.states: list[dict[Place, int]] = [{}]
        self.held_back: list[HeldBack] = []

    def on_commit(self, commit: Committed, /) -> None:
        self.states.append(self.states[-1] | {(tp.topic, tp.partition): o for tp, o in commit.offsets.items()})

    def on_held_back(self, held_back: HeldBack, /) -> None:
        self.held_back.append(held_back)


async def test_what_is_committed_is_always_a_prefix_of_the_append_order(broker: Broker, log: Log) -> None:
    """Each commit is so small that the events of several runs need several."""
    work = Work(broker, log, store="faust-redis-rocksdb://")
    rows = work.app.Table("rows", default=int)
    commits = Commits()
    add_hooks(work.app, commits)
    deep, shallow = work.topics

    @work.app.agent(deep, name="deep")
    async def write(stream: Any) -> None:
        async for event in stream.events():
            for number in range(5):
                rows[f"{event.message.partition}:{number}"] = event.message.offset

    @work.app.agent(shallow, name="shallow")
    async def read(stream: Any) -> None:
        async for event in stream.events():
            work.done[event.message.partition].append((event.message.topic, event.message.offset))

    await work.create()
    for partition in PARTITIONS:
        await work.append([0, 0, 0, 1, 1, 0, 0, 1] * 12, partition)
    async with running(work.app):
        work.app.transport.driver.committer.cost_max_us = 40  # type: ignore[attr-defined]
        await until(work.is_committed)
    assert len(commits.states) > 20, "too few commits to show anything"
    for partition in PARTITIONS:
        expected = await work.expected(partition)
        for state in commits.states:
            count = sum(state.get((name, partition), 0) for name in work.names)
            for name in work.names:
                prefix = sum(topic == name for topic, _ in expected[:count])
                assert state.get((name, partition), 0) == prefix, f"{state} is no prefix of {expected}"


async def test_a_worker_that_loses_its_lease_or_restarts_goes_on_in_order(broker: Broker, log: Log) -> None:
    """Every life of the worker processes consecutive records, and begins at or before the end of the life before it."""
    begins: list[dict[int, int]] = []
    done: defaultdict[int, list[Place]] = defaultdict(list)

    def build(member: str) -> Work:
        work = Work(broker, log, member=member)
        for topic in work.topics:

            @batch_agent(work.app, topic, name=topic.get_topic_name(), records_max=20)
            async def note(batch: Batch[bytes]) -> None:
                await asyncio.sleep(0.002)
                if batch[0].generation_id == work.app.consumer_generation_id:
                    done[batch.partition] += [(batch.topic, record.offset) for record in batch]

        return work

    async def processed(count: int) -> None:
        before = sum(map(len, done.values()))
        await until(lambda: sum(map(len, done.values())) > before + count)

    first, second = build("m1"), build("m2")
    await first.create()
    for partition in PARTITIONS:
        await first.append(mixed(partition), partition)
    async with running(first.app):
        for _ in range(3):
            await processed(DEEP // 8)
            begins.append({partition: len(done[partition]) for partition in PARTITIONS})
            first.app.consumer.driver.fencing.fence("its lease ran out")  # type: ignore[attr-defined]
        await processed(DEEP // 8)
    begins.append({partition: len(done[partition]) for partition in PARTITIONS})
    async with running(second.app):
        await until(second.is_committed)
    for partition in PARTITIONS:
        expected = await first.expected(partition)
        places = [expected.index(place) for place in done[partition]]
        steps_back = [(a, b) for a, b in pairwise(places) if b != a + 1]
        assert len(steps_back) <= len(begins)
        assert all(b <= a for a, b in steps_back)
        assert places[0] == 0
        assert places[-1] == len(expected) - 1


async def test_a_damaged_topic_holds_back_the_other_topics_of_its_partition_only(broker: Broker, log: Log) -> None:
    work = Work(broker, log)
    commits = Commits()
    add_hooks(work.app, commits)
    for topic in work.topics:

        @batch_agent(work.app, topic, name=topic.get_topic_name())
        async def note(batch: Batch[bytes]) -> None:
            work.done[batch.partition] += [(batch.topic, record.offset) for record in batch]

    await work.create()
    await work.append([0, 1, 0])
    expected = await work.expected()
    async with running(work.app):
        await until(work.is_committed)
        await log.redis.xadd(log.keys.stream(work.names[1], FIRST), {"v": "7", "t": "9" * 30}, id="0-*")
        await until(lambda: len(commits.held_back) == 2)
        await work.append([0, 0])
        await work.append([0, 1], SECOND)
        await until(lambda: len(work.done[SECOND]) == 2)
        assert work.done[FIRST] == expected
        assert {(each.topic, each.partition) for each in commits.held_back} == {(name, FIRST) for name in work.names}


async def test_a_read_that_waits_returns_the_lowest_append_numbers_first(broker: Broker, log: Log) -> None:
    """A server may answer a waiting read with one of the streams that a write extends. That must be the first one."""
    work = Work(broker, log)
    await work.create()
    one, two = (TopicPartition(name, FIRST) for name in work.names)
    for first, second in ((one, two), (two, one)):
        at = {tp: (await log.end_offsets(tp.topic))[FIRST] for tp in (one, two)}
        waiting = asyncio.ensure_future(log.fetch(at, block_ms=10_000))
        await asyncio.sleep(0.2)
        await log.append([Record(tp.topic, FIRST, b"k", b"v", 7) for tp in (first, second, first)])
        found = await waiting
        everything = await log.fetch(at)
        highest = max(record.order for records in found.values() for record in records)
        below = [r for records in everything.values() for r in records if r.order <= highest]
        assert sum(map(len, found.values())) == len(below)
        assert [a.order for a, b in pairwise(everything[first]) if a.order > b.order] == []
