"""A service ends when the topics get more partitions, so that its next run reads all of them."""

from __future__ import annotations

import asyncio

import pytest
from faust_redis.log import Log, ResizedError, TopicSpec
from faust_redis.resizing import ByKey, Resize

from deploy.run import single_service
from streams.topics import CLOCK


async def test_a_service_ends_when_the_topics_are_resized(
    broker_url: str, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(single_service, "LOOK_S", 0.01)
    ended = asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with Log(broker_url, namespace) as log, Log(broker_url, namespace) as other:
        await log.create_topic(TopicSpec(CLOCK, 2))
        serving = asyncio.create_task(single_service.while_partitions_stay(log, work()))
        await asyncio.sleep(0.1)
        assert not serving.done()
        await Resize(other, [CLOCK], {}, ByKey()).run(8)
        with pytest.raises(ResizedError, match="have 8 partitions now, and 2 when this process started"):
            async with asyncio.timeout(10):
                await serving
        assert ended.is_set()
