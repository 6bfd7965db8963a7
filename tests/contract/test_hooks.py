"""The driver reports its actions to an app's hooks, and an error in a hook affects nothing else."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from faust_redis import Batch, TransientError, batch_agent
from faust_redis.hooks import (
    BatchBegun,
    BatchFinished,
    Committed,
    DeadLettered,
    Hooks,
    Rebalanced,
    Recovered,
    Retried,
    add_hooks,
)

from tests.contract.harness import FIRST, SECOND, Broker, running, until

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
OURS = pytest.mark.only_on_redis("only our driver calls these hooks")

INT: Any = int


class Recording(Hooks):
    """Hooks that record each call."""

    def __init__(self) -> None:
        self.calls: list[Any] = []

    def of(self, kind: type[Any]) -> list[Any]:
        return [each for each in self.calls if isinstance(each, kind)]

    def _keep(self, event: Any) -> None:
        self.calls.append(event)

    on_batch_begun = on_batch_finished = on_commit = on_rebalance = on_recovery = on_retry = on_dead_letter = _keep


class Failing(Hooks):
    """Hooks that raise at each commit."""

    def on_commit(self, commit: Committed, /) -> None:
        raise RuntimeError("a hook of the user's")


@OURS
async def test_hooks_see_batches_commits_rebalances_and_recoveries(broker: Broker) -> None:
    app, hooks = broker.app(store="faust-redis-rocksdb://"), Recording()
    add_hooks(app, Failing())
    add_hooks(app, hooks)
    topic = app.topic(broker.name("in"), value_type=INT)
    sums = app.Table("sums", default=int)

    @batch_agent(app, topic)
    async def add(batch: Batch[int]) -> None:
        for value in batch.values:
            sums["k"] += value

    async with running(app):
        await asyncio.gather(*[await topic.send(key="k", value=i, partition=FIRST) for i in range(20)])
        await until(lambda: sum(each.records for each in hooks.of(BatchFinished)) == 20)
        await until(lambda: max(max(each.offsets.values(), default=0) for each in hooks.of(Committed)) == 20)
    [rebalance], [recovery] = hooks.of(Rebalanced), hooks.of(Recovered)
    assert rebalance.generation >= 1
    assert rebalance.partitions >= 4
    assert (recovery.partitions, recovery.records) == (4, 0)
    begun, finished = hooks.of(BatchBegun), hooks.of(BatchFinished)
    assert [(each.topic, each.offset, each.records) for each in begun] == [
        (each.topic, each.offset, each.records) for each in finished
    ]
    assert all(each.succeeded and each.duration_s >= 0 for each in finished)
    assert all(each.duration_s >= 0 for each in hooks.of(Committed))


@OURS
async def test_hooks_see_retries_and_dead_letters(broker: Broker) -> None:
    app, hooks = broker.app(), Recording()
    add_hooks(app, hooks)
    topic = app.topic(broker.name("in"), value_type=INT)

    @app.agent(topic)
    async def fail(stream: Any) -> None:
        async for value in stream:
            if value == 0:
                raise TransientError("the other side is down")
            raise ValueError("never")

    async with running(app):
        await topic.send(value=0, partition=FIRST)
        await topic.send(value=1, partition=SECOND)
        await until(lambda: len(hooks.of(DeadLettered)) == 2)
    assert [each.attempt for each in hooks.of(Retried)] == [1, 2, 3, 4]
    letters = {each.partition: each for each in hooks.of(DeadLettered)}
    assert (letters[FIRST].attempts, letters[SECOND].attempts) == (5, 1)
    assert isinstance(letters[SECOND].error, ValueError)


@OURS
async def test_hooks_see_that_a_batch_failed(broker: Broker) -> None:
    app, hooks = broker.app(), Recording()
    add_hooks(app, hooks)
    topic = app.topic(broker.name("in"), value_type=INT)

    @batch_agent(app, topic)
    async def add(batch: Batch[int]) -> None:
        if 3 in batch.values:
            raise ValueError("three")

    async with running(app):
        for i in range(5):
            await topic.send(key="k", value=i, partition=FIRST)
        await until(lambda: hooks.of(DeadLettered))
        await until(lambda: sum(each.records for each in hooks.of(BatchFinished) if each.succeeded) == 4)
    assert any(not each.succeeded for each in hooks.of(BatchFinished))


@OURS
async def test_batches_of_two_agents_that_read_one_topic_are_both_told_as_succeeded(broker: Broker) -> None:
    app, hooks = broker.app(), Recording()
    add_hooks(app, hooks)
    topic = app.topic(broker.name("in"), value_type=INT)
    seen: list[tuple[str, int]] = []

    @batch_agent(app, topic)
    async def quick(batch: Batch[int]) -> None:
        seen.extend(("quick", value) for value in batch.values)

    @batch_agent(app, topic)
    async def slow(batch: Batch[int]) -> None:
        await asyncio.sleep(0.02)
        seen.extend(("slow", value) for value in batch.values)

    async with running(app):
        for i in range(5):
            await topic.send(value=i, partition=FIRST)
        await until(lambda: sum(each.records for each in hooks.of(BatchFinished)) == 10)
    assert sorted(seen) == [(name, i) for name in ("quick", "slow") for i in range(5)]
    assert all(each.succeeded for each in hooks.of(BatchFinished))


async def test_batch_agents_call_the_hooks_of_batches_on_every_broker(broker: Broker) -> None:
    app, hooks = broker.app(), Recording()
    add_hooks(app, hooks)
    topic = app.topic(broker.name("in"), value_type=INT)

    @batch_agent(app, topic)
    async def work(batch: Batch[int]) -> None:
        if 2 in batch.values:
            raise ValueError("two")

    async with running(app):
        for value in range(4):
            await topic.send(key="k", value=value, partition=SECOND)
        await until(lambda: sum(each.records for each in hooks.of(BatchFinished) if each.succeeded) == 3)
    assert any(not each.succeeded for each in hooks.of(BatchFinished))
    assert {(each.topic, each.partition) for each in hooks.of(BatchBegun)} == {(broker.name("in"), SECOND)}
    assert len(hooks.of(BatchBegun)) == len(hooks.of(BatchFinished))
    assert all(each.duration_s >= 0 for each in hooks.of(BatchFinished))
