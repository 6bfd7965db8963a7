"""The shards of a namespace, for the tests of what goes from one to another."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
from faust_redis.log import (
    Log,
    Shard,
    TopicSpec,
)

from tests.integration.streams.sharding import SHARDS


@pytest.fixture
async def shards(broker_url: str, namespace: str) -> AsyncIterator[list[Log]]:
    """Return the shards of a namespace, with the topic `t` of 6 partitions. They share a server."""
    async with AsyncExitStack() as stack:
        found = [
            await stack.enter_async_context(Log(broker_url, namespace, shard=Shard(number, SHARDS), transit="g"))
            for number in range(SHARDS)
        ]
        for log in found:
            await log.create_topic(TopicSpec("t", 6))
        yield found
