"""Pending writes are bounded, and a commit waits no longer than waiting helps."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest
from faust.types import TP
from faust_redis.driver.commit import commit_loop

from tests.contract.harness import FIRST, Broker, running, until
from tests.contract.test_promises import INT, committed

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.only_on_redis("how much may wait for a commit is our driver's matter"),
]


async def test_delivery_pauses_while_too_much_waits_for_its_commit(broker: Broker) -> None:
    app = broker.app(stream_buffer_maxsize=2)
    topic, out = app.topic(broker.name("in"), value_type=INT), app.topic(broker.name("out"), value_type=INT)
    hold = asyncio.Event()
    waiting: list[int] = []

    @app.agent(topic, concurrency=2)
    async def spread(stream: Any) -> None:
        async for value in stream:
            if value == 0:
                await hold.wait()  # All later events wait for their commit.
            for _ in range(10):
                await out.send(value=value)
            waiting.append(len(cast("Any", app.transport).driver.committer.pending))

    async with running(app):
        cast("Any", app.transport).driver.committer.pending_max = 50
        await asyncio.gather(*[await topic.send(value=i, partition=FIRST) for i in range(100)])
        await until(lambda: cast("Any", app.transport).driver.committer.is_full)
        await asyncio.sleep(0.3)  # Wait for an outcome that must not occur: delivery of all events.
        assert len(waiting) < 20
        hold.set()
        await until(lambda: committed(app, broker.name("in")) == 100)


async def test_a_commit_waits_for_company_only_while_agents_have_something_to_do(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    for bound in ("COMMIT_LINGER_MS_MIN", "COMMIT_LINGER_MS_MAX"):
        monkeypatch.setattr(commit_loop, bound, 600_000)
    app = broker.app()
    topic = app.topic(broker.name("in"), value_type=INT)
    first_is_done, go_on = asyncio.Event(), asyncio.Event()

    @app.agent(topic)
    async def halt(stream: Any) -> None:
        async for value in stream:
            if value == 1:
                first_is_done.set()
                await go_on.wait()

    async with running(app):
        await asyncio.gather(*[await topic.send(value=i, partition=FIRST) for i in range(2)])
        await first_is_done.wait()
        await until(lambda: cast("Any", app.consumer).driver.commit_loop._gathering is not None)
        assert committed(app, broker.name("in")) == 0
        go_on.set()
        await until(lambda: committed(app, broker.name("in")) == 2)


async def test_events_that_changed_nothing_wait_after_a_commit_and_go_with_the_next_change(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commit_loop, "OFFSETS_REST_FACTOR", 1e9)
    monkeypatch.setattr(commit_loop, "OFFSETS_REST_MS_MAX", 600_000)
    app = broker.app()
    topic, out = app.topic(broker.name("in"), value_type=INT), app.topic(broker.name("out"), value_type=INT)

    @app.agent(topic)
    async def tell(stream: Any) -> None:
        async for value in stream:
            if value == 2:
                await out.send(value=value)

    async with running(app):
        for number in range(2):
            await topic.send(value=number, partition=FIRST)
            await until(lambda: committed(app, broker.name("in")) == 1)  # the first one is committed at once
        tracker = cast("Any", app.consumer).driver.tracker
        await until(lambda: tracker.first_unfinished(TP(topic.get_topic_name(), FIRST)) == 2)
        await asyncio.sleep(0.3)  # Wait for an outcome that must not occur: the second commit.
        assert committed(app, broker.name("in")) == 1
        await topic.send(value=2, partition=FIRST)
        await until(lambda: committed(app, broker.name("in")) == 3)
