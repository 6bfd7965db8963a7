"""The driver holds back an unreadable partition; others continue, and the member's status names the partition."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from faust_redis.admin import Admin
from faust_redis.depths import depths_of
from faust_redis.hooks import HeldBack, Hooks, SendsRefused, add_hooks
from faust_redis.log import DamagedPartitionError, Log, TopicPartition
from faust_redis.log.integrity import repair_partition

from tests.contract.harness import FIRST, PARTITIONS, SECOND, TOPIC_PARTITIONS, Broker, running, until

pytestmark = pytest.mark.only_on_redis("entries that something else wrote to a stream are our log's")

ROUND = 40
DAMAGED = SECOND
NEVER_MS = "9" * 30


class Noting(Hooks):
    """Hooks that remember which partitions were held back, and which sends failed."""

    def __init__(self) -> None:
        self.seen: list[HeldBack] = []
        self.refused: list[SendsRefused] = []

    def on_held_back(self, held_back: HeldBack, /) -> None:
        self.seen.append(held_back)

    def on_sends_refused(self, refused: SendsRefused, /) -> None:
        self.refused.append(refused)


class Counting:
    """An application that notes the partition and the value of each event."""

    def __init__(self, broker: Broker, member: str, **settings: Any) -> None:
        self.app = broker.app(member=member, **settings)
        self.name = broker.name("in")
        self.topic = self.app.topic(self.name, value_type=int)
        self.seen: list[tuple[int, int]] = []
        self.hooks = Noting()
        add_hooks(self.app, self.hooks)

        @self.app.agent(self.topic)
        async def note(stream: Any) -> None:
            async for event in stream.events():
                self.seen.append((event.message.partition, event.value))

    async def send(self, value: int, partitions: Sequence[int] = PARTITIONS) -> None:
        for partition in partitions:
            await (await self.topic.send(value=value, partition=partition))


async def foreign_id(log: Log, topic: str) -> None:
    await log.redis.xadd(log.keys.stream(topic, DAMAGED), {"x": "1"})


async def endless_timestamp(log: Log, topic: str) -> None:
    await log.redis.xadd(log.keys.stream(topic, DAMAGED), {"v": "7", "t": NEVER_MS}, id="0-*")
    await log.redis.hincrby(log.keys.ends(topic), str(DAMAGED), 1)


async def other_type(log: Log, topic: str) -> None:
    await log.redis.rename(log.keys.stream(topic, DAMAGED), "elsewhere")
    await log.redis.set(log.keys.stream(topic, DAMAGED), "foreign")


@pytest.mark.parametrize("damage", [foreign_id, endless_timestamp, other_type])
async def test_a_damaged_partition_is_held_back_and_the_others_go_on(
    broker: Broker, log: Log, damage: Callable[[Log, str], Any]
) -> None:
    worker = Counting(broker, "m1")
    others = tuple(p for p in PARTITIONS if p != DAMAGED)
    async with running(worker.app):
        await worker.send(0)
        await until(lambda: len(worker.seen) == len(PARTITIONS))
        await damage(log, worker.name)
        for value in range(1, ROUND):
            await worker.send(value, others)
        await until(lambda: len(worker.seen) >= len(PARTITIONS) + (ROUND - 1) * len(others))
        assert all(partition != DAMAGED for partition, value in worker.seen if value)
        assert not worker.app.should_stop
        [held_back] = worker.hooks.seen
        assert (held_back.topic, held_back.partition, held_back.offset) == (worker.name, DAMAGED, 1)
        await until(lambda: _not_ready(log, worker.app.conf.id, f"topics repair {worker.name} {DAMAGED}"))
        depths = depths_of(worker.app)
        assert depths is not None
        assert depths.partitions_damaged == 1
        assert len((await Admin(log).describe_group(worker.app.conf.id)).damages) == 1


async def _not_ready(log: Log, group: str, why: str) -> bool:
    described = await Admin(log).describe_group(group)
    return not described.ready and why in described.why_not_ready


async def test_a_repaired_partition_is_read_on_by_the_next_member(broker: Broker, log: Log) -> None:
    first = Counting(broker, "m1")
    async with running(first.app):
        await first.send(0)
        await until(lambda: len(first.seen) == len(PARTITIONS))
        await endless_timestamp(log, first.name)
        await first.send(1, (DAMAGED,))
        await until(lambda: first.hooks.seen)
    assert await repair_partition(log, TopicPartition(first.name, DAMAGED))
    second = Counting(broker, "m2")
    async with running(second.app):
        await until(lambda: len(second.seen) == 2)
        assert second.seen == [(DAMAGED, 7), (DAMAGED, 1)]


async def test_partitions_that_write_to_a_damaged_partition_are_held_back_and_the_others_go_on(
    broker: Broker, log: Log
) -> None:
    worker = Counting(broker, "m1")
    out = worker.app.topic(broker.name("out"), value_type=int)
    table = worker.app.Table("last", partitions=TOPIC_PARTITIONS)

    @worker.app.agent(worker.topic)
    async def copy(stream: Any) -> None:
        async for event in stream.events():
            table[str(event.message.partition)] = event.value
            await out.send(value=event.value, partition=event.message.partition)

    async def written(partition: int) -> list[bytes | None]:
        tp = TopicPartition(out.get_topic_name(), partition)
        return [record.value for record in (await log.fetch({tp: 0})).get(tp, [])]

    others = tuple(p for p in PARTITIONS if p != DAMAGED)
    async with running(worker.app):
        await worker.send(0)
        await until(lambda: _all(written, tuple(PARTITIONS), 1))
        await log.redis.xadd(log.keys.stream(out.get_topic_name(), DAMAGED), {"x": "1"})
        for value in range(1, ROUND):
            await worker.send(value)
        await until(lambda: _all(written, others, ROUND))
        assert {held_back.partition for held_back in worker.hooks.seen} == {DAMAGED}
        assert not worker.app.should_stop
        advice = f"topics repair {out.get_topic_name()} {DAMAGED}"
        await until(lambda: _not_ready(log, worker.app.conf.id, advice))
        for partition in others:
            assert await written(partition) == [b"%d" % value for value in range(ROUND)], "each once, in order"
        committed = await log.committed(worker.app.conf.id)
        assert committed[TopicPartition(worker.name, DAMAGED)] == 1
    assert await repair_partition(log, TopicPartition(out.get_topic_name(), DAMAGED))
    second = Counting(broker, "m2")
    async with running(second.app):
        await until(lambda: len(second.seen) == ROUND - 1)


@pytest.mark.one_broker("it asks an agent")
async def test_a_send_outside_of_events_to_a_damaged_partition_fails_alone(broker: Broker, log: Log) -> None:
    worker = Counting(broker, "m1")
    out = worker.app.topic(broker.name("out"), value_type=int)
    requests = worker.app.topic(broker.name("asked"), value_type=int)
    outcomes: list[BaseException | None] = []

    @worker.app.agent(requests)
    async def answer(stream: Any) -> Any:
        async for value in stream:
            yield value + 1

    @worker.app.timer(0.1)  # type: ignore[untyped-decorator]
    async def tick() -> None:
        sent = await out.send(value=0, partition=DAMAGED)
        outcomes.append((await asyncio.gather(sent, return_exceptions=True))[0])

    def advice(topic: Any) -> str:
        return f"topics repair {topic.get_topic_name()} {DAMAGED}"

    async with running(worker.app):
        await until(lambda: outcomes)
        assert await answer.ask(1, partition=DAMAGED) == 2
        for topic in (out, requests):
            await log.redis.xadd(log.keys.stream(topic.get_topic_name(), DAMAGED), {"x": "1"})
        await until(lambda: isinstance(outcomes[-1], DamagedPartitionError))
        assert advice(out) in str(outcomes[-1])
        with pytest.raises(DamagedPartitionError, match=advice(requests)):
            await asyncio.wait_for(answer.ask(1, partition=DAMAGED), 5)
        await (await out.send(value=7, partition=FIRST))
        assert await answer.ask(7, partition=FIRST) == 8
        await worker.send(1)
        await until(lambda: len(worker.seen) == len(PARTITIONS))
        assert not worker.app.should_stop
        refused = {(refused.topic, refused.partition) for refused in worker.hooks.refused}
        assert refused == {(topic.get_topic_name(), DAMAGED) for topic in (out, requests)}
        await until(lambda: _not_ready(log, worker.app.conf.id, advice(out)))


async def test_sends_outside_of_events_succeed_again_once_their_partition_is_whole(broker: Broker, log: Log) -> None:
    worker = Counting(broker, "m1")
    out = worker.app.topic(broker.name("out"), value_type=int)
    async with running(worker.app):
        await (await out.send(value=0, partition=DAMAGED))
        await other_type(log, out.get_topic_name())
        with pytest.raises(DamagedPartitionError):
            await (await out.send(value=1, partition=DAMAGED))
        await until(lambda: _not_ready(log, worker.app.conf.id, f"repair {out.get_topic_name()} {DAMAGED}"))
        await log.redis.rename("elsewhere", log.keys.stream(out.get_topic_name(), DAMAGED))
        await (await out.send(value=2, partition=DAMAGED))
        await until(lambda: _ready(log, worker.app.conf.id))


async def _ready(log: Log, group: str) -> bool:
    return (await Admin(log).describe_group(group)).ready


async def _all(written: Callable[[int], Any], partitions: tuple[int, ...], count: int) -> bool:
    return all([len(await written(partition)) == count for partition in partitions])


async def bad_snapshot(log: Log, changelog: str) -> None:
    await log.redis.delete(log.keys.snapshot(changelog, DAMAGED))
    await log.redis.set(log.keys.snapshot(changelog, DAMAGED), "foreign")


async def bad_tail(log: Log, changelog: str) -> None:
    await log.redis.xadd(log.keys.stream(changelog, DAMAGED), {"k": "x", "v": "7", "t": NEVER_MS}, id="0-*")
    await log.redis.hincrby(log.keys.ends(changelog), str(DAMAGED), 1)


@pytest.mark.parametrize(
    ("damage", "store"),
    [(bad_snapshot, "memory://"), (bad_snapshot, "faust-redis-rocksdb://"), (bad_tail, "faust-redis-rocksdb://")],
)
async def test_a_damaged_changelog_holds_back_its_partition_and_the_others_are_restored(
    broker: Broker, log: Log, damage: Callable[[Log, str], Any], store: str
) -> None:
    def counting(member: str) -> Counting:
        worker = Counting(broker, member, store=store)
        table = worker.app.Table("sums", default=int, key_type=str, value_type=int, partitions=TOPIC_PARTITIONS)

        @worker.app.agent(worker.topic)
        async def add(stream: Any) -> None:
            async for event in stream.events():
                table[str(event.message.partition)] += event.value

        return worker

    others = tuple(p for p in PARTITIONS if p != DAMAGED)
    first = counting("m1")
    async with running(first.app):
        await first.send(5)
        await until(lambda: _committed_everywhere(log, first))
    changelog = f"{first.app.conf.id}-sums-changelog"
    await damage(log, changelog)
    second = counting("m2")
    async with running(second.app):
        await second.send(1)
        await until(lambda: sorted(partition for partition, value in second.seen if value == 1) == sorted(others))
        await until(lambda: _not_ready(log, second.app.conf.id, f"topics repair {changelog} {DAMAGED}"))
        assert not second.app.should_stop
        assert {held_back.partition for held_back in second.hooks.seen} == {DAMAGED}
    for partition in others:
        assert await snapshot(log, changelog, partition) == {b'"%d"' % partition: b"6"}, "restored, then counted on"


async def snapshot(log: Log, changelog: str, partition: int) -> dict[bytes, bytes]:
    found: dict[bytes, bytes] = {}
    async for rows in log.rows(TopicPartition(changelog, partition)):
        found.update(rows)
    return found


async def _committed_everywhere(log: Log, worker: Counting) -> bool:
    committed = await log.committed(worker.app.conf.id)
    return all(committed.get(TopicPartition(worker.name, p), 0) == 1 for p in PARTITIONS)
