"""Waiting for a delivery: it fails at once inside of its own event, and succeeds everywhere else."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from faust.streams import current_event
from faust.types import TP
from faust_redis.driver.sending.fast_topics import Sent
from faust_redis.driver.sending.waits import DeliveryAwaitedError
from faust_redis.log import Log

from tests.contract.harness import FIRST, Broker, running, until

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.only_on_redis("only our driver detects waits inside of events"),
]

INT: Any = int  # Faust accepts any type here, but its annotation names only some.

HANGS_S = 15.0
"""Only a deadlock takes this long."""


class Sender:
    """An app with one agent, which runs the test's body and keeps the error that the body raised."""

    def __init__(self, broker: Broker, *, force: bool = False) -> None:
        self.force = force
        self.app = broker.app(store="faust-redis-rocksdb://")
        self.topic = self.app.topic(broker.name("in"), key_type=str, value_type=INT)
        self.out = self.app.topic(broker.name("out"), key_type=str, value_type=INT)
        self.table = self.app.Table("rows", default=int)

    async def handle_one(self, body: Callable[[], Awaitable[Any]]) -> Any:
        """Run the body inside an event. After the commit, return the body's result or the error that it raised."""
        ended: list[Any] = []

        @self.app.agent(self.topic)
        async def once(stream: Any) -> None:
            async for _ in stream:
                try:
                    async with asyncio.timeout(HANGS_S):
                        ended.append(await body())
                except Exception as exc:
                    ended.append(exc)

        async with running(self.app):
            await self.topic.send(key="k", value=1, partition=FIRST)
            await until(lambda: ended, HANGS_S + 5)
            await until(self.is_committed)
        return ended[0]

    def is_committed(self) -> bool:
        consumer: Any = self.app.consumer
        return bool(consumer.driver.tracker.committed(TP(self.topic.get_topic_name(), FIRST)) == 1)

    async def send(self) -> Any:
        return await self.out.send(key="k", value=2, partition=FIRST, force=self.force)

    def send_soon(self) -> Any:
        return self.out.send_soon(key="k", value=2, partition=FIRST, force=self.force)

    async def awaits_send(self) -> Any:
        return await (await self.send())

    async def raw(self) -> Any:
        return await self.app.producer.send(self.out.get_topic_name(), b"k", b"2", FIRST, None, None)


async def producer_send(s: Sender) -> None:
    await (await s.raw())


async def topic_send(s: Sender) -> None:
    await s.awaits_send()


async def app_send(s: Sender) -> None:
    await (await s.app.send(s.out, key="k", value=2, partition=FIRST))


async def event_send(s: Sender) -> None:
    event = current_event()
    assert event is not None
    await (await event.send(s.out, key="k", value=2, partition=FIRST))


async def send_soon(s: Sender) -> None:
    await s.send_soon()


async def changelog(s: Sender) -> None:
    s.table["k"] = 1
    await s.table.send_changelog(FIRST, "k", 2)


async def wait_for(s: Sender) -> None:
    await asyncio.wait_for(await s.send(), HANGS_S * 2)


async def wait_for_a_coroutine(s: Sender) -> None:
    await asyncio.wait_for(s.awaits_send(), HANGS_S * 2)


async def gather(s: Sender) -> None:
    await asyncio.gather(await s.send(), s.send_soon())


async def gather_of_coroutines(s: Sender) -> None:
    await asyncio.gather(s.awaits_send(), asyncio.sleep(0))


async def wait(s: Sender) -> None:
    done, _ = await asyncio.wait([await s.send()])
    done.pop().result()


async def as_completed(s: Sender) -> None:
    for each in asyncio.as_completed([await s.send()]):
        await each


async def shield(s: Sender) -> None:
    await asyncio.shield(await s.send())


async def a_task_that_is_awaited_later(s: Sender) -> None:
    task = asyncio.ensure_future(s.awaits_send())
    await asyncio.sleep(0.3)
    await task


async def a_task_group(s: Sender) -> None:
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(s.awaits_send())
    except ExceptionGroup as group_error:
        raise group_error.exceptions[0] from None


async def flush(s: Sender) -> None:
    await s.send()
    await s.app.producer.flush()


WAYS = [
    producer_send, topic_send, app_send, event_send, send_soon, changelog, wait_for, wait_for_a_coroutine,
    gather, gather_of_coroutines, wait, as_completed, shield, a_task_that_is_awaited_later, a_task_group, flush,
]  # fmt: skip


@pytest.mark.parametrize("force", [True, False], ids=["faust", "short"])
async def test_awaiting_a_delivery_inside_of_its_event_fails_at_once_in_every_way(
    broker: Broker, log: Log, force: bool
) -> None:
    sender = Sender(broker, force=force)
    raised: dict[str, Any] = {}

    async def body() -> None:
        await sender.send()
        assert isinstance(await sender.send(), Sent) != force
        for variant in WAYS:
            try:
                await variant(sender)
            except DeliveryAwaitedError as exc:
                raised[variant.__name__] = str(exc)

    assert await sender.handle_one(body) is None
    assert list(raised) == [variant.__name__ for variant in WAYS]
    assert all("can never come" in text and "Do not await it" in text for text in raised.values())
    # The record is written nevertheless.
    assert sum((await log.end_offsets(sender.out.get_topic_name())).values()) == 2 + len(WAYS)


async def test_an_uncaught_wait_makes_the_event_a_dead_letter(broker: Broker, log: Log) -> None:
    sender = Sender(broker)

    @sender.app.agent(sender.topic)
    async def waits(stream: Any) -> None:
        async for _ in stream:
            await sender.awaits_send()

    async with running(sender.app):
        await sender.topic.send(key="k", value=1, partition=FIRST)
        await until(sender.is_committed)
    assert sum((await log.end_offsets(sender.out.get_topic_name())).values()) == 0
    assert sum((await log.end_offsets(f"{broker.name('app')}-dead-letters")).values()) == 1


async def test_sends_of_tasks_that_an_event_started_come_after_it(broker: Broker) -> None:
    sender = Sender(broker)
    offsets: list[Any] = []

    async def note(delivery: Any) -> None:
        offsets.append((await delivery).offset)

    async def body() -> None:
        started = [asyncio.create_task(note(await sender.send())), asyncio.create_task(note(sender.send_soon()))]
        started += [asyncio.create_task(note(asyncio.shield(await sender.send())))]
        await asyncio.sleep(0.3)
        assert not any(task.done() for task in started)
        sender.tasks = started  # type: ignore[attr-defined]

    assert await sender.handle_one(body) is None
    await until(lambda: sorted(offsets) == [0, 1, 2])


async def test_a_delivery_may_be_awaited_in_a_later_event_and_not_in_an_earlier_one(broker: Broker) -> None:
    app = broker.app()
    topic = app.topic(broker.name("in"), value_type=INT)
    out = app.topic(broker.name("out"), value_type=INT)
    deliveries: dict[int, Any] = {}
    waits_for = {0: 1, 2: 1}
    ended: dict[int, Any] = {}

    @app.agent(topic, concurrency=3)
    async def work(stream: Any) -> None:
        async for value in stream:
            deliveries[value] = await out.send(value=value)
            await until(lambda: len(deliveries) == 3)
            if value in waits_for:
                try:
                    ended[value] = await asyncio.wait_for(deliveries[waits_for[value]], HANGS_S)
                except DeliveryAwaitedError as exc:
                    ended[value] = exc

    async with running(app):
        for value in range(3):
            await topic.send(value=value, partition=FIRST)
        await until(lambda: 0 in ended)
        assert isinstance(ended[0], DeliveryAwaitedError)
        await until(lambda: 2 in ended)


@pytest.mark.one_broker("ask needs all partitions on one broker")
async def test_ask_inside_of_an_event_that_the_answer_depends_on_is_answered(broker: Broker) -> None:
    app = broker.app(store="faust-redis-rocksdb://")
    topic = app.topic(broker.name("in"), key_type=str, value_type=INT)
    requests = app.topic(broker.name("requests"), key_type=str, value_type=INT)
    rows = app.Table("rows", default=int)
    answers: list[int] = []

    @app.agent(requests)
    async def total(stream: Any) -> Any:
        async for number in stream:
            rows["sum"] += number
            yield rows["sum"]

    @app.agent(topic)
    async def asking(stream: Any) -> None:
        async for number in stream:
            rows["sum"] += number
            answers.append(await asyncio.wait_for(total.ask(10, partition=FIRST), HANGS_S))

    async with running(app):
        await topic.send(key="k", value=1, partition=FIRST)
        await until(lambda: answers == [11])
        consumer: Any = app.consumer
        await until(lambda: consumer.driver.tracker.committed(TP(requests.get_topic_name(), FIRST)) == 1)
        assert dict(rows.items()) == {"sum": 11}
