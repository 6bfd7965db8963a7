"""The places of several members in a ranking over several shards, although it changes between two reads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgpack
from faust_redis.log import Record, TopicSpec
from faust_redis.log.partitioner import partition_for
from faust_redis.log.sharded import ShardedLog

from tables.rank_score import rank_score
from tables.reader import TableReader

SHARDS = PARTITIONS = 2
GROUP = "s/all/xp"


class Moved(TableReader):
    """Writes a new score between its first and its second read of the shards."""

    new: Record | None = None

    async def _ask_shards(self, *args: Any) -> list[Sequence[Any]]:
        found = await super()._ask_shards(*args)
        if self.new is not None:
            new, self.new = self.new, None
            await self.log.append([new])
        return found


async def test_a_member_whose_score_changes_meanwhile_has_one_place(broker_url: str, namespace: str) -> None:
    async with ShardedLog([broker_url] * SHARDS, namespace) as log:
        tables = Moved(log, "a")
        topic = tables.topic("boards")
        await log.create_topic(TopicSpec(topic, PARTITIONS, "compact", view="rank"))

        def scored(member: str, score: int) -> Record:
            value = msgpack.packb({"all/xp": [rank_score(score, 1), score, 1]})
            return Record(topic, partition_for(member.encode(), PARTITIONS), f"s|{member}".encode(), value, 1)

        names = [f"user-{number}" for number in range(20)]
        here = next(name for name in names if partition_for(name.encode(), PARTITIONS) == 0)
        there = next(name for name in names if partition_for(name.encode(), PARTITIONS) == 1)
        await log.append([scored(here, 5), scored(there, 3)])
        tables.new = scored(there, 5)  # ties with the other, whose own shard was read before
        page = await tables.places("boards", GROUP, [here, there])
        assert [(one.member, one.standing.score) for one in page.members] == [(here, 5), (there, 3)]
