"""A replayed record is for one consumer group: agents of other groups do not see it, and their offsets pass it."""

from __future__ import annotations

from typing import Any

import pytest
from faust_redis import Batch, batch_agent
from faust_redis.log import Log, Record, TopicPartition, TopicSpec
from faust_redis.log.records import REPLAY_FOR_HEADER

from tests.contract.harness import FIRST, TOPIC_PARTITIONS, Broker, running, until

pytestmark = pytest.mark.only_on_redis("the header is read by our driver")


@pytest.mark.parametrize("in_batches", [False, True])
async def test_a_replay_for_another_group_is_finished_without_being_delivered(
    broker: Broker, log: Log, *, in_batches: bool
) -> None:
    app = broker.app()
    topic = app.topic(broker.name("in"), key_type=str, value_type=str, value_serializer="raw")
    seen: list[Any] = []

    if in_batches:

        @batch_agent(app, topic)
        async def take(batch: Batch[str]) -> None:
            seen.extend(batch.values)

    else:

        @app.agent(topic)
        async def take_each(stream: Any) -> None:
            async for value in stream:
                seen.append(value)  # noqa: PERF401 - the stream never ends

    name = broker.name("in")
    await log.create_topic(TopicSpec(name, TOPIC_PARTITIONS))
    headers = [(), ((REPLAY_FOR_HEADER, b"other"),), ((REPLAY_FOR_HEADER, app.conf.id.encode()),), ()]
    await log.append([Record(name, FIRST, b"k", str(i).encode(), 0, each) for i, each in enumerate(headers)])
    async with running(app):

        async def committed() -> bool:
            return (await log.committed(app.conf.id)).get(TopicPartition(name, FIRST)) == len(headers)

        await until(committed)
    assert seen == ["0", "2", "3"]
