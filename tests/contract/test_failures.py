"""Events whose agents raise: outputs are dropped, transient errors are retried, other events become dead letters."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import faust
import pytest
from faust.types import TP
from faust_redis.dead_letters import DeadLetter, DeadLetters, TransientError, topic_spec
from faust_redis.log import IdempotencyConflictError, Log, LogUnavailableError, Record, TopicSpec
from faust_redis.testing import TestDriver

from tests.contract.harness import FIRST, SECOND, TOPIC_PARTITIONS, Broker, running, until

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.only_on_redis("dead letters and repeated attempts are our driver's"),
]

INT: Any = int  # Faust accepts any type here, but its annotation names only some.


async def test_a_poison_message_becomes_a_dead_letter_and_the_partition_goes_on(broker: Broker, log: Log) -> None:
    app = broker.app(store="faust-redis-rocksdb://")
    topic = app.topic(broker.name("in"), key_type=str, value_type=INT)
    out = app.topic(broker.name("out"), key_type=str, value_type=INT)
    sums = app.Table("sums", default=int)
    poisonous = True

    @app.agent(topic)
    async def add(stream: Any) -> None:
        async for key, value in stream.items():
            sums[key] += value
            await out.send(key=key, value=value)
            if value == 13 and poisonous:
                raise ValueError("thirteen")

    letters = DeadLetters(log, f"{broker.name('app')}-dead-letters")
    async with running(app):
        for value in (1, 13, 2, 3):
            await topic.send(key="k", value=value, partition=FIRST, headers={"h": b"1"})
        await until(lambda: committed(app, topic) == 4)
        [letter] = await letters.all()
        assert (letter.value, letter.key, letter.offset, letter.attempts) == (b"13", b"k", 1, 1)
        assert letter.headers == (("h", b"1"),)
        assert "thirteen" in letter.error
        assert sum(dict(sums.items()).values()) == 6
        assert await sent(log, out) == 3

        poisonous = False
        assert await letters.replay(letter) == 4
        assert await letters.replay(letter) == 4  # A second replay appends nothing.
        with pytest.raises(IdempotencyConflictError):
            await letters.drop(letter)
        await until(lambda: committed(app, topic) == 5)
        assert sum(dict(sums.items()).values()) == 19
        assert await letters.all() == []


def test_a_transient_error_is_tried_again_and_takes_effect_once() -> None:
    app = faust.App("app", broker="redis://unused", store="faust-redis-rocksdb://", topic_partitions=4)
    topic = app.topic("in", key_type=str, value_type=INT)
    sums = app.Table("sums", default=int)
    tried: Counter[int] = Counter()

    @app.agent(topic)
    async def add(stream: Any) -> None:
        async for key, value in stream.items():
            tried[value] += 1
            sums[key] += value
            if value == 7 and tried[value] < 3:
                raise TransientError("not yet")

    with TestDriver(app) as driver:
        driver.pipe_all(topic, [("k", 1), ("k", 7), ("k", 2)])
        assert tried == {1: 1, 7: 3, 2: 1}
        assert driver.table("sums") == {"k": 10}
        assert driver.dead_letters() == []


async def test_retries_end_in_a_dead_letter_and_hold_up_nothing_else(broker: Broker, log: Log) -> None:
    app = broker.app()
    topic = app.topic(broker.name("in"), value_type=INT)
    handled: list[int] = []
    later_was_handled = asyncio.Event()

    @app.agent(topic)
    async def never(stream: Any) -> None:
        async for value in stream:
            if value == 7:
                raise TransientError("never")
            handled.append(value)
            later_was_handled.set()

    letters = DeadLetters(log, f"{broker.name('app')}-dead-letters")
    async with running(app):
        await topic.send(value=7, partition=FIRST)
        await topic.send(value=1, partition=FIRST)
        await asyncio.wait_for(later_was_handled.wait(), 10)
        assert await letters.all() == []
        await until(lambda: committed(app, topic) == 2)
        [letter] = await letters.all()
        assert letter.attempts == 5
        await letters.drop(letter)
        assert await letters.all() == []


async def test_more_transient_failures_than_may_wait_become_letters_and_hold_up_nothing_else(
    broker: Broker, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("faust_redis.driver.failures.failures.RETRIES_WAITING_MAX", 3)
    app = broker.app()
    topic = app.topic(broker.name("in"), value_type=INT)
    handled: list[int] = []
    waiting: list[int] = []
    failures: Any = None

    @app.agent(topic)
    async def outage(stream: Any) -> None:
        async for value in stream:
            waiting.append(failures._waiting)
            if value < 10:
                raise TransientError("the other side is down")
            handled.append(value)

    async with running(app):
        failures = app.transport.driver.failures  # type: ignore[attr-defined]
        for value in range(10):
            await topic.send(value=value, partition=FIRST)
        await topic.send(value=10, partition=FIRST)
        await topic.send(value=11, partition=SECOND)
        tp = TP(topic.get_topic_name(), SECOND)
        await until(lambda: app.consumer.driver.tracker.committed(tp) == 1)  # type: ignore[attr-defined]
        assert committed(app, topic) < 10  # Only the partition of the waiting events is held back.
        await until(lambda: committed(app, topic) == 11)
        letters = await DeadLetters(log, f"{broker.name('app')}-dead-letters").all()
    assert sorted(handled) == [10, 11]
    assert max(waiting) == 3
    attempts = [letter.attempts for letter in letters]
    assert len(attempts) == 10
    assert max(attempts) == 5, "events that may wait are tried again"
    assert min(attempts) < 5, "events beyond the limit are not"


async def test_a_letter_is_replayed_once_also_when_the_answer_is_lost(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    await log.create_topic(TopicSpec("t", TOPIC_PARTITIONS))
    await log.create_topic(topic_spec("letters", TOPIC_PARTITIONS))
    letter = DeadLetter("g", "t", FIRST, 7, b"k", b"v", 1, (), "no", 1, "agent")
    await log.append([Record("letters", FIRST, letter.id.encode(), letter.encode(), 1)])
    append = log.append
    lost = iter((True, True, False, False))

    async def answer_lost(*args: Any, **kwargs: Any) -> Any:
        done = await append(*args, **kwargs)
        if next(lost):
            raise LogUnavailableError("the answer is lost")
        return done

    monkeypatch.setattr(log, "append", answer_lost)
    letters = DeadLetters(log, "letters")
    assert await letters.replay(letter) == 0
    assert await letters.replayed(letter.id) == 0
    assert await letters.replay(letter) == 0  # The command was killed and is run again.
    assert (await log.end_offsets("t"))[FIRST] == 1
    assert await letters.all() == []


async def test_a_burst_of_poison_messages_stops_neither_the_worker_nor_other_events(broker: Broker, log: Log) -> None:
    app = broker.app()
    topic = app.topic(broker.name("in"), value_type=INT)
    handled: list[int] = []

    @app.agent(topic)
    async def add(stream: Any) -> None:
        async for value in stream:
            if value % 2:
                raise ValueError("odd")
            handled.append(value)

    async with running(app):
        began = asyncio.get_running_loop().time()
        for value in range(40):
            await topic.send(value=value, partition=FIRST)
        await until(lambda: committed(app, topic) == 40)
        # Faust's own supervisor stops an agent for 5 s after every second failure, or ends the worker.
        assert asyncio.get_running_loop().time() - began < 15
    assert handled == list(range(0, 40, 2))
    assert len(await DeadLetters(log, f"{broker.name('app')}-dead-letters").all()) == 20


@pytest.mark.parametrize("part", ["key", "value"])
async def test_an_undecodable_message_becomes_a_dead_letter_and_the_partition_goes_on(
    broker: Broker, log: Log, part: str
) -> None:
    app = broker.app()
    raw = app.topic(broker.name("in"), key_serializer="raw", value_serializer="raw")
    topic = app.topic(broker.name("in"), key_type=INT, value_type=INT)
    handled: list[int] = []

    @app.agent(topic)
    async def keep(stream: Any) -> None:
        async for value in stream:
            handled.append(value)  # noqa: PERF401 - one at a time is the point

    async with running(app):
        bad: dict[str, Any] = {"key": b"1", "value": b"2"} | {part: b"\xff{"}
        records: list[dict[str, Any]] = [{"key": b"1", "value": b"1"}, bad, {"key": b"1", "value": b"3"}]
        for record in records:
            await raw.send(**record, partition=FIRST, headers={"h": b"1"})
        await until(lambda: committed(app, topic) == 3)
        [letter] = await DeadLetters(log, f"{broker.name('app')}-dead-letters").all()
    assert handled == [1, 3]
    assert (letter.key, letter.value, letter.offset, letter.attempts) == (bad["key"], bad["value"], 1, 1)
    assert letter.headers == (("h", b"1"),)
    assert "DecodeError" in letter.error


async def test_what_an_error_handler_sends_is_written_with_the_dead_letter(broker: Broker, log: Log) -> None:
    app = broker.app()
    topic = app.topic(broker.name("in"), value_type=INT)
    errors = app.topic(broker.name("errors"), value_type=str)

    async def on_failure(agent: Any, exc: BaseException) -> None:
        await asyncio.sleep(0.05)
        await errors.send(value=str(exc))

    @app.agent(topic)
    async def never(stream: Any) -> None:
        async for _ in stream:
            raise ValueError("no")

    never._on_error = on_failure  # type: ignore[attr-defined] # as Faust's own Agent takes it
    async with running(app):
        await topic.send(value=1, partition=FIRST)
        await until(lambda: committed(app, topic) == 1)
        assert await sent(log, errors) == 1
        assert len(await DeadLetters(log, f"{broker.name('app')}-dead-letters").all()) == 1


async def test_two_agents_of_a_topic_fail_or_take_effect_together(broker: Broker, log: Log) -> None:
    """One agent fails after the other has finished, then in the reverse order: the outputs of neither are written."""
    app = broker.app()
    topic = app.topic(broker.name("in"), value_type=INT)
    out = app.topic(broker.name("out"), value_type=INT)
    first_sent, failed = asyncio.Event(), asyncio.Event()

    @app.agent(topic, name="sends")
    async def sends(stream: Any) -> None:
        async for value in stream:
            if value == 2:
                await failed.wait()
                await asyncio.sleep(0.1)  # The driver has handled the other agent's error.
            await out.send(value=value)
            first_sent.set()

    @app.agent(topic, name="fails")
    async def fails(stream: Any) -> None:
        async for value in stream:
            if value == 1:
                await first_sent.wait()
                raise ValueError("one")
            if value == 2:
                failed.set()
                raise ValueError("two")

    async with running(app):
        for value in (1, 2, 3):
            await topic.send(value=value, partition=FIRST)
        await until(lambda: committed(app, topic) == 3)
        assert await sent(log, out) == 1
        assert [x.offset for x in await DeadLetters(log, f"{broker.name('app')}-dead-letters").all()] == [0, 1]


def committed(app: Any, topic: Any) -> int:
    return int(app.consumer.driver.tracker.committed(TP(topic.get_topic_name(), FIRST)))


async def sent(log: Log, topic: Any) -> int:
    return sum((await log.end_offsets(topic.get_topic_name())).values())
