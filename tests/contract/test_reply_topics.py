"""Reply topics: their readers process all replies, and processed replies do not hold back trimming."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from faust_redis.log import Log, Record, TopicPartition
from faust_redis.log.trimming import trim_all

from tests.contract.harness import Broker, running, until

pytestmark = [
    pytest.mark.only_on_redis("trimming and the registration of reply topics are our driver's"),
    pytest.mark.one_broker("reply topics need all partitions on one broker"),
]

ASKS = 300
BUFFER = 50


async def test_processed_replies_are_trimmed_after_their_retention(broker: Broker, log: Log) -> None:
    app = broker.app(reply_expires=0.1)

    @app.agent(app.topic(broker.name("asked"), value_type=int))
    async def answer(stream: Any) -> Any:
        async for value in stream:
            yield value + 1

    async with running(app):
        await asyncio.gather(*(answer.ask(number) for number in range(ASKS)))
        replies = TopicPartition(app.conf.reply_to, 0)

        async def trimmed() -> bool:
            await trim_all(log)
            return (await log.beginning_offsets(replies.topic))[0] > ASKS - 110

        await until(trimmed)
        assert (await log.committed(app.conf.id))[replies] == ASKS


async def test_more_replies_than_a_buffer_holds_do_not_stop_a_worker(broker: Broker) -> None:
    app = broker.app(stream_buffer_maxsize=BUFFER)

    @app.agent(app.topic(broker.name("asked"), value_type=int))
    async def answer(stream: Any) -> Any:
        async for value in stream:
            yield value + 1

    async with running(app):
        for number in range(3 * BUFFER):
            assert await asyncio.wait_for(answer.ask(number), 5) == number + 1


async def test_unread_replies_of_a_process_that_is_gone_are_trimmed_and_it_can_return(broker: Broker, log: Log) -> None:
    def asking(member: str) -> Any:
        app = broker.app(member=member, reply_expires=0.1, reply_to=broker.name("replies"))

        @app.agent(app.topic(broker.name("asked"), value_type=int))
        async def answer(stream: Any) -> Any:
            async for value in stream:
                yield value + 1

        return app, answer

    first, answer = asking("m1")
    async with running(first):
        assert await answer.ask(1) == 2
    replies = TopicPartition(first.conf.reply_to, 0)
    [reply] = await log.tail(replies, 1)
    await log.append([Record(*replies, None, reply.value, 0) for _ in range(ASKS)])

    async def trimmed() -> bool:
        await trim_all(log, lambda topic: topic == replies.topic)
        return (await log.beginning_offsets(replies.topic))[0] > ASKS - 110

    await until(trimmed)
    second, answer = asking("m2")
    async with running(second):
        assert await answer.ask(2) == 3
        assert not second.should_stop
