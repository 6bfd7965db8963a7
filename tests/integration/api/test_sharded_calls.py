"""Commands for one shard do not wait for another one, and do not fail with it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any

from faust_redis.log import Appended, IdempotencyKey, Log, LogUnavailableError, Record, TopicSpec, WriteBatch
from faust_redis.log.sharded import ShardedLog

from api.kit.commands.calls import Calls

SHARDS = 2
AWAY = 1


class Slow(Log):
    """A client whose second shard does not answer a write until the test says so, and then is away."""

    gone = asyncio.Event()

    async def commit(self, batch: WriteBatch, **options: Any) -> Appended:
        await self._answer()
        return await super().commit(batch, **options)

    async def at_once(self, *commands: Sequence[Any]) -> list[Any]:
        await self._answer()
        return await super().at_once(*commands)

    async def _answer(self) -> None:
        if self.shard.number == AWAY:
            await self.gone.wait()
            raise LogUnavailableError("no answer")


async def test_a_shard_that_does_not_answer_keeps_back_its_own_writes_only(broker_url: str, namespace: str) -> None:
    Slow.gone = asyncio.Event()
    async with ShardedLog([broker_url] * SHARDS, namespace, client=Slow) as log:
        await log.create_topic(TopicSpec("t", SHARDS))
        calls = Calls(log)

        def to(shard: int) -> list[Record]:
            return [Record("t", shard, b"k", b"v", 1)]

        def append(shard: int) -> Coroutine[Any, Any, Appended]:
            return calls.append(to(shard), SHARDS)

        def append_once(shard: int, name: str) -> Coroutine[Any, Any, Appended]:
            return calls.append_once(to(shard), IdempotencyKey(name, "d", 60_000), SHARDS)

        late = [asyncio.create_task(append(AWAY)), asyncio.create_task(append_once(AWAY, "a"))]
        await asyncio.sleep(0)
        async with asyncio.timeout(5):
            assert (await append(0)).offsets == (0,)
            assert (await append_once(0, "b")).offsets == (1,)
        Slow.gone.set()
        failed = await asyncio.gather(*late, return_exceptions=True)
        assert [type(one) for one in failed] == [LogUnavailableError] * len(late)
