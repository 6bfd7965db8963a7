"""The pipeline's lag counts what waits to be forwarded to another shard."""

from __future__ import annotations

from collections.abc import Sequence

from faust_redis.log import Record
from faust_redis.log.forwarding import Forwarder
from faust_redis.log.sharded import ShardedLog

from api.kit.pipeline import DomainState, Pipeline
from streams import topics
from tables.domains import TOPOLOGY

SHARDS = 2


class Calm:
    some_delayed = False

    def note(self, sample: Sequence[DomainState]) -> None:
        """Do nothing."""


async def test_records_that_wait_to_be_forwarded_count_as_the_domains_lag(broker_url: str, namespace: str) -> None:
    group = TOPOLOGY.group("astratrade", "trading")
    async with ShardedLog([broker_url] * SHARDS, namespace, transit=group) as log:
        for spec in TOPOLOGY.topic_specs(4):
            await log.create_topic(spec)
        pipeline = Pipeline(log, TOPOLOGY, "astratrade", Calm())
        first, second = log.shards
        await first.append([Record(topics.TRADING_EVENTS, 1, b"k", b"v", 1)])
        [trading] = [state for state in await pipeline.look() if state.domain == "trading"]
        assert trading.records == 1
        assert topics.TRADING_EVENTS in pipeline.topics()
        await Forwarder(first, second, group, 1).step()
        [trading] = [state for state in await pipeline.look() if state.domain == "trading"]
        assert trading.records == 0
