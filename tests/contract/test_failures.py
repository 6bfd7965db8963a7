"""Events whose agents raise: outputs dropped, transient errors tried again, the rest dead letters."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import pytest
from faust.types import TP

from streams.dead_letters import DeadLetters, TransientError
from streams.log import Log, RowGoneError
from tests.contract.harness import Broker, running, until

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.only_on_redis("dead letters and repeated attempts are our driver's"),
]

INT: Any = int  # Faust takes any type here; its annotation names only some


async def test_a_poison_message_becomes_a_dead_letter_and_the_partition_goes_on(broker: Broker, log: Log) -> None:
    app = broker.app(store="astra-rocksdb://")
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
            await topic.send(key="k", value=value, partition=0, headers={"h": b"1"})
        await until(lambda: committed(app, topic) == 4)
        [letter] = await letters.all()
        assert (letter.value, letter.key, letter.offset, letter.attempts) == (b"13", b"k", 1, 1)
        assert letter.headers == (("h", b"1"),)
        assert "thirteen" in letter.error
        assert sum(dict(sums.items()).values()) == 6
        assert await sent(log, out) == 3

        poisonous = False
        assert await letters.replay(letter) == 4
        with pytest.raises(RowGoneError):
            await letters.replay(letter)
        await until(lambda: committed(app, topic) == 5)
        assert sum(dict(sums.items()).values()) == 19
        assert await letters.all() == []


async def test_a_transient_error_is_tried_again_and_takes_effect_once(broker: Broker, log: Log) -> None:
    app = broker.app(store="astra-rocksdb://")
    topic = app.topic(broker.name("in"), key_type=str, value_type=INT)
    sums = app.Table("sums", default=int)
    tried: Counter[int] = Counter()

    @app.agent(topic)
    async def add(stream: Any) -> None:
        async for key, value in stream.items():
            tried[value] += 1
            sums[key] += value
            if value == 7 and tried[value] < 3:
                raise TransientError("not yet")

    async with running(app):
        for value in (1, 7, 2):
            await topic.send(key="k", value=value, partition=0)
        await until(lambda: committed(app, topic) == 3)
        assert tried == {1: 1, 7: 3, 2: 1}
        assert dict(sums.items()) == {"k": 10}
        assert await DeadLetters(log, f"{broker.name('app')}-dead-letters").all() == []


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
        await topic.send(value=7, partition=0)
        await topic.send(value=1, partition=0)
        await asyncio.wait_for(later_was_handled.wait(), 10)
        assert await letters.all() == []
        await until(lambda: committed(app, topic) == 2)
        [letter] = await letters.all()
        assert letter.attempts == 5
        await letters.drop(letter)
        assert await letters.all() == []


def committed(app: Any, topic: Any) -> int:
    return int(app.consumer.watermarks.committed(TP(topic.get_topic_name(), 0)))


async def sent(log: Log, topic: Any) -> int:
    return sum((await log.ends(topic.get_topic_name())).values())
