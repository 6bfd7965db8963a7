"""Members of one group with different topics: an event always finds its tables."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from tests.contract.harness import Broker, running, until

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.only_on_redis("Faust's Kafka driver leaves assignment to Faust's assignor alone"),
]

INT: Any = int


def summing(broker: Broker, member: str) -> tuple[Any, Any, Any]:
    app = broker.app(member=member, store="faust-redis-rocksdb://")
    topic = app.topic(broker.name("in"), key_type=str, value_type=INT)
    sums = app.Table("sums", default=int)

    @app.agent(topic)
    async def add(stream: Any) -> None:
        async for key, value in stream.items():
            sums[key] += value

    return app, topic, sums


def older(broker: Broker, member: str) -> Any:
    """Return the version before the table: an agent on the same topic that keeps no state."""
    app = broker.app(member=member, store="faust-redis-rocksdb://")

    @app.agent(app.topic(broker.name("in"), key_type=str, value_type=INT))
    async def ignore(stream: Any) -> None:
        async for _ in stream:
            pass

    return app


async def test_a_member_of_an_older_version_gets_no_events_of_tables_that_it_does_not_know(broker: Broker) -> None:
    (first, topic, sums), old = summing(broker, "m1"), older(broker, "m0")
    async with running(first):
        await asyncio.gather(*[await topic.send(key=f"k{i}", value=1) for i in range(50)])
        await until(lambda: sum(sums.values()) == 50)
        async with running(old):
            await until(lambda: first.consumer_generation_id == 2 and not first.rebalancing)
            assert old.consumer.assignment() == set()
            await asyncio.gather(*[await topic.send(key=f"k{i}", value=1) for i in range(50)])
            await until(lambda: sum(sums.values()) == 100)
        await until(lambda: not first.rebalancing)
        assert dict(sums.items()) == {f"k{i}": 2 for i in range(50)}


async def test_a_subscription_to_some_of_the_topics_is_not_made(broker: Broker) -> None:
    """Faust requests this while an app stops before its tables are registered."""
    app, topic, _ = summing(broker, "m1")
    async with running(app):
        coordinator = cast("Any", app.consumer).driver.membership
        whole = coordinator.topics
        await app.consumer.subscribe({topic.get_topic_name()})
        assert coordinator.topics == whole
        assert whole >= {topic.get_topic_name(), f"{app.conf.id}-sums-changelog"}
