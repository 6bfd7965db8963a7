"""Batch agents that need some records of a topic only, and records that may wait for others."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from faust.types import TP
from faust_redis import consume_in_append_order
from faust_redis.batches import Batch, batch_agent
from faust_redis.dead_letters import DeadLetters, TransientError
from faust_redis.log import Log, Record, TopicPartition, TopicSpec

from tests.contract.harness import FIRST, TOPIC_PARTITIONS, Broker, running, until

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

INT: Any = int
RECORDS = 60
WAIT_MS = 1_500


def odd(value: bytes | None) -> bool:
    return value is not None and value[-1:] in {b"1", b"3", b"5", b"7", b"9"}


async def test_an_agent_gets_the_records_that_it_needs_in_order(broker: Broker) -> None:
    app = broker.app(store="faust-redis-rocksdb://")
    topic = app.topic(broker.name("in"), key_type=str, value_type=INT)
    sums = app.Table("sums", default=int)
    seen: list[int] = []

    @batch_agent(app, topic, needs=odd)
    async def add(batch: Batch[int]) -> None:
        for record in batch:
            sums[record.key] += record.value
            seen.append(record.value)

    async with running(app):
        for value in range(RECORDS):
            await topic.send(key="k", value=value, partition=FIRST)
        wanted = list(range(1, RECORDS, 2))
        await until(lambda: seen == wanted)
        await until(lambda: dict(sums.items()) == {"k": sum(wanted)})


@pytest.mark.only_on_redis("the commit is our driver's")
async def test_records_that_no_agent_needs_are_committed_undecoded(broker: Broker, log: Log) -> None:
    app = broker.app()
    topic = app.topic(broker.name("in"), key_type=str, value_type=INT)
    batches: list[list[int]] = []
    gate = asyncio.Event()

    @batch_agent(app, topic, needs=odd)
    async def look(batch: Batch[int]) -> None:
        await gate.wait()
        batches.append(batch.values)

    place = TopicPartition(topic.get_topic_name(), FIRST)
    await log.create_topic(TopicSpec(place.topic, TOPIC_PARTITIONS))
    values = [b"1", *[b"{" for _ in range(9)], b"3", b"4", b"5", *[b"{" for _ in range(9)]]
    async with running(app):
        await log.append([Record(*place, b"k", value, 7) for value in values])
        await asyncio.sleep(0.3)  # the first record waits at the gate, the others behind it
        assert (await log.committed(broker.name("app"))).get(place, 0) == 0, "committed past an unfinished record"
        gate.set()
        await until(lambda: committed(app, topic) == len(values))
        assert batches in ([[1], [3, 5]], [[1, 3, 5]]), "skipped records divided a batch"
        await log.append([Record(*place, b"k", b"{", 7) for _ in range(9)])
        await until(lambda: committed(app, topic) == len(values) + 9)
        letters = DeadLetters(log, f"{broker.name('app')}-dead-letters")
        assert await letters.all() == []


@pytest.mark.only_on_redis("repeated attempts are our driver's")
async def test_a_record_that_fails_among_others_that_are_not_needed_has_its_effect_once(
    broker: Broker, log: Log
) -> None:
    app = broker.app(store="faust-redis-rocksdb://")
    topic = app.topic(broker.name("in"), key_type=str, value_type=INT)
    sums = app.Table("sums", default=int)
    failures = 3

    @batch_agent(app, topic, needs=odd)
    async def add(batch: Batch[int]) -> None:
        nonlocal failures
        for record in batch:
            sums[record.key] += record.value
        if failures and 31 in batch.values:
            failures -= 1
            raise TransientError("not yet")

    async with running(app):
        await asyncio.gather(*[topic.send(key="k", value=value, partition=FIRST) for value in range(RECORDS)])
        await until(lambda: committed(app, topic) == RECORDS)
        assert dict(sums.items()) == {"k": sum(range(1, RECORDS, 2))}


@pytest.mark.only_on_redis("dead letters are our driver's")
async def test_a_record_that_needs_cannot_judge_goes_to_the_agent_and_the_partition_continues(
    broker: Broker, log: Log
) -> None:
    app = broker.app()
    topic = app.topic(broker.name("in"), key_type=str, value_type=INT)
    seen: list[int] = []

    @batch_agent(app, topic, needs=lambda value: int(value or b"") % 2 == 1)
    async def add(batch: Batch[int]) -> None:
        seen.extend(batch.values)

    place = TopicPartition(topic.get_topic_name(), FIRST)
    await log.create_topic(TopicSpec(place.topic, TOPIC_PARTITIONS))
    async with running(app):
        await log.append([Record(*place, b"k", value, 7) for value in (b"1", b"no number", b"2", b"3")])
        await until(lambda: committed(app, topic) == 4)
        assert seen == [1, 3]
        [letter] = await DeadLetters(log, f"{broker.name('app')}-dead-letters").all()
        assert letter.value == b"no number"


async def test_each_of_two_agents_of_a_topic_gets_what_it_needs(broker: Broker) -> None:
    app = broker.app(store="faust-redis-rocksdb://")
    topic = app.topic(broker.name("in"), key_type=str, value_type=INT)
    sums, counts = app.Table("sums", default=int), app.Table("counts", default=int)

    @batch_agent(app, topic, name="add", needs=odd)
    async def add(batch: Batch[int]) -> None:
        for record in batch:
            sums[record.key] += record.value

    @batch_agent(app, topic, name="count")
    async def count(batch: Batch[int]) -> None:
        for record in batch:
            counts[record.key] += 1

    async with running(app):
        await asyncio.gather(*[topic.send(key="k", value=value, partition=FIRST) for value in range(RECORDS)])
        await until(lambda: dict(counts.items()) == {"k": RECORDS})
        await until(lambda: dict(sums.items()) == {"k": sum(range(1, RECORDS, 2))})


@pytest.mark.only_on_redis("our driver reads by topic")
@pytest.mark.parametrize("in_append_order", [False, True])
async def test_records_that_may_wait_are_read_together_and_delay_no_others(
    broker: Broker, log: Log, *, in_append_order: bool
) -> None:
    app = broker.app()
    if in_append_order:
        consume_in_append_order(app)
    raw = {"key_serializer": "raw", "value_serializer": "raw", "key_type": bytes, "value_type": bytes}
    facts, commands = [app.topic(broker.name(name), **raw) for name in ("facts", "commands")]
    seen: list[str] = []
    batches: list[int] = []

    @batch_agent(app, facts, name="facts", fetch_wait_ms=WAIT_MS)
    async def take_facts(batch: Batch[bytes]) -> None:
        batches.append(len(batch))
        seen.extend(f"fact {record.offset}" for record in batch)

    @batch_agent(app, commands, name="commands")
    async def take_commands(batch: Batch[bytes]) -> None:
        seen.extend(f"command {record.offset}" for record in batch)

    for topic in (facts, commands):
        await log.create_topic(TopicSpec(topic.get_topic_name(), TOPIC_PARTITIONS))

    async def append(topic: Any) -> None:
        await log.append([Record(topic.get_topic_name(), FIRST, b"k", b"v", 7)])

    async with running(app):
        await append(facts)
        await until(lambda: seen == ["fact 0"])  # after a pause a record does not wait
        for _ in range(5):
            await append(facts)
        await append(commands)
        await until(lambda: "command 0" in seen)
        if in_append_order:
            assert seen == [*[f"fact {number}" for number in range(6)], "command 0"]
        else:
            assert seen == ["fact 0", "command 0"], "the command waited for facts, or no fact waited"
        await until(lambda: len(seen) == 7)
    assert len(batches) <= 3, f"facts were read one by one: {batches}"


def test_a_wait_of_less_than_nothing_is_refused(broker: Broker) -> None:
    with pytest.raises(ValueError, match="0 ms or longer, not for -1"):
        batch_agent(broker.app(), broker.app().topic("in"), fetch_wait_ms=-1)


def committed(app: Any, topic: Any) -> int:
    return int(app.consumer.driver.tracker.committed(TP(topic.get_topic_name(), FIRST)))
