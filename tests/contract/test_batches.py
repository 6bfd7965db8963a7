"""Batch agents: an agent gets records of one partition together, and the commit treats them as one unit."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from faust.types import TP
from faust_redis.batches import Batch, batch_agent
from faust_redis.dead_letters import DeadLetters, TransientError
from faust_redis.log import Log
from faust_redis.log.records import TopicPartition

from tests.contract.harness import FIRST, PARTITIONS, SECOND, Broker, running, until

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

INT: Any = int  # Faust accepts any type here, but its annotation names only some.
RECORDS = 40


async def test_records_come_in_order_and_each_has_its_effect_once(broker: Broker) -> None:
    app = broker.app(store="faust-redis-rocksdb://")
    topic = app.topic(broker.name("in"), key_type=str, value_type=INT)
    sums = app.Table("sums", default=int)
    seen: list[tuple[int, int, int]] = []

    @batch_agent(app, topic)
    async def add(batch: Batch[int]) -> None:
        for record in batch:
            sums[record.key] += record.value
            seen.append((batch.partition, record.offset, record.value))

    async with running(app):
        for value in range(RECORDS):
            await topic.send(key="a", value=value, partition=FIRST)
            await topic.send(key="b", value=value, partition=SECOND)
        await until(lambda: len(seen) == 2 * RECORDS)
        for partition in (FIRST, SECOND):
            assert [(o, v) for p, o, v in seen if p == partition] == [(n, n) for n in range(RECORDS)]
        await until(lambda: dict(sums.items()) == {"a": sum(range(RECORDS)), "b": sum(range(RECORDS))})


@pytest.mark.only_on_redis("on Kafka a batch is one record")
async def test_a_batch_is_records_of_one_partition_and_no_more_than_asked_for(broker: Broker, log: Log) -> None:
    app = broker.app()
    topic = app.topic(broker.name("in"), key_type=str, value_type=INT)
    sizes: list[int] = []
    gate = asyncio.Event()

    @batch_agent(app, topic, records_max=7)
    async def look(batch: Batch[int]) -> None:
        await gate.wait()
        sizes.append(len(batch))
        assert [record.offset for record in batch] == list(range(batch[0].offset, batch[0].offset + len(batch)))
        assert batch.values == [record.value for record in batch[:]]
        assert batch.topic == topic.get_topic_name()

    async with running(app):
        for value in range(RECORDS):
            await topic.send(key="k", value=value, partition=PARTITIONS[value % 2])
        gate.set()
        await until(lambda: sum(sizes) == RECORDS)
    assert max(sizes) == 7


@pytest.mark.only_on_redis("the commit is our driver's")
async def test_a_batch_is_committed_whole_whatever_its_size(broker: Broker, log: Log) -> None:
    app = broker.app(store="faust-redis-rocksdb://")
    topic = app.topic(broker.name("in"), key_type=str, value_type=INT)
    out = app.topic(broker.name("out"), key_type=bytes, value_type=bytes)
    rows = app.Table("rows", default=int)
    begun, gate = asyncio.Event(), asyncio.Event()

    @batch_agent(app, topic, records_max=1_000)
    async def copy(batch: Batch[int]) -> None:
        for record in batch:
            rows[f"{record.value}"] = record.value
            batch.send(out, key=b"k", value=b"%d" % record.value, timestamp_ms=record.timestamp_ms, partition=FIRST)
        if len(batch) > 1:
            begun.set()
            await gate.wait()

    async with running(app):
        await topic.send(key="k", value=0, partition=FIRST)
        await until(lambda: committed(app, topic) == 1)
        app.transport.driver.committer.cost_max_us = 50  # type: ignore[attr-defined]
        await asyncio.gather(*[topic.send(key="k", value=value, partition=FIRST) for value in range(1, 400)])
        await begun.wait()
        await asyncio.sleep(0.1)
        assert await written(log, out) == [0], "a batch in flight has written something"
        gate.set()
        await until(lambda: committed(app, topic) == 400)
        assert await written(log, out) == await written(log, topic)


@pytest.mark.only_on_redis("dead letters are our driver's")
async def test_only_the_failing_record_of_a_batch_becomes_a_dead_letter(broker: Broker, log: Log) -> None:
    app = broker.app(store="faust-redis-rocksdb://")
    topic = app.topic(broker.name("in"), key_type=str, value_type=INT)
    out = app.topic(broker.name("out"), key_type=bytes, value_type=bytes)
    sums = app.Table("sums", default=int)
    sizes: list[int] = []

    @batch_agent(app, topic)
    async def add(batch: Batch[int]) -> None:
        sizes.append(len(batch))
        for record in batch:
            sums[record.key] += record.value
            batch.send(out, key=b"k", value=b"%d" % record.value, timestamp_ms=record.timestamp_ms, partition=FIRST)
            if record.value == 13:
                raise ValueError("thirteen")

    letters = DeadLetters(log, f"{broker.name('app')}-dead-letters")
    async with running(app):
        await asyncio.gather(*[topic.send(key="k", value=value, partition=FIRST) for value in range(RECORDS)])
        await until(lambda: committed(app, topic) == RECORDS)
        expected = [value for value in await written(log, topic) if value != 13]
        assert await written(log, out) == expected
        assert dict(sums.items()) == {"k": sum(expected)}
        [letter] = await letters.all()
        assert (letter.value, letter.attempts) == (b"13", 1)
    assert max(sizes) > 1, "no batch was divided"


@pytest.mark.only_on_redis("repeated attempts are our driver's")
async def test_records_of_a_batch_that_fails_for_a_while_are_tried_again(broker: Broker) -> None:
    app = broker.app(store="faust-redis-rocksdb://")
    topic = app.topic(broker.name("in"), key_type=str, value_type=INT)
    sums = app.Table("sums", default=int)
    failures = 3

    @batch_agent(app, topic)
    async def add(batch: Batch[int]) -> None:
        nonlocal failures
        for record in batch:
            sums[record.key] += record.value
        if failures:
            failures -= 1
            raise TransientError("not yet")

    async with running(app):
        await asyncio.gather(*[topic.send(key="k", value=1, partition=FIRST) for _ in range(RECORDS)])
        await until(lambda: committed(app, topic) == RECORDS)
        assert dict(sums.items()) == {"k": RECORDS}


async def test_records_that_two_agents_read_form_no_batch(broker: Broker) -> None:
    app = broker.app(store="faust-redis-rocksdb://")
    topic = app.topic(broker.name("in"), key_type=str, value_type=INT)
    sums, products = app.Table("sums", default=int), app.Table("products", default=int)
    sizes: list[int] = []

    @batch_agent(app, topic, name="add")
    async def add(batch: Batch[int]) -> None:
        sizes.append(len(batch))
        for record in batch:
            sums[record.key] += record.value

    @batch_agent(app, topic, name="double")
    async def double(batch: Batch[int]) -> None:
        sizes.append(len(batch))
        await asyncio.sleep(0)
        for record in batch:
            products[record.key] += 2 * record.value

    async with running(app):
        await asyncio.gather(*[topic.send(key="k", value=value, partition=FIRST) for value in range(RECORDS)])
        total = sum(range(RECORDS))
        await until(lambda: dict(sums.items()) == {"k": total} and dict(products.items()) == {"k": 2 * total})
    assert set(sizes) == {1}


def test_a_batch_of_no_records_is_refused(broker: Broker) -> None:
    with pytest.raises(ValueError, match="at least one"):
        batch_agent(broker.app(), broker.app().topic("in"), records_max=0)


def committed(app: Any, topic: Any) -> int:
    return int(app.consumer.driver.tracker.committed(TP(topic.get_topic_name(), FIRST)))


async def written(log: Log, topic: Any) -> list[int]:
    place = TopicPartition(topic.get_topic_name(), FIRST)
    found = await log.fetch({place: 0}, count=10_000)
    return [int(record.value or b"") for record in found.get(place, [])]
