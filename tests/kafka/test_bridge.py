"""The bridge: it copies each record from Kafka to the views once, and forwards clients' commands to Kafka in order."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import Any

import msgpack
import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.admin.records_to_delete import RecordsToDelete
from aiokafka.structs import TopicPartition as KafkaPartition
from faust_redis.admin import Admin
from faust_redis.log import (
    Appended,
    GroupInUseError,
    Log,
    LogUnavailableError,
    Record,
    TopicPartition,
    TopicSpec,
    WriteBatch,
)
from faust_redis.log.integrity import repair_partition

from deploy.server.embedded import EmbeddedServer
from deploy.server.server_binary import find_binary
from streams.connect.kafka.bridge import Bridge
from streams.connect.kafka.broker import admin, create_topics, ended
from streams.connect.kafka.errors import BridgeError
from streams.services import Kind, Service, ServiceLease
from streams.topics import NAMESPACE
from tests.contract.harness import until
from tests.kafka import brokers
from tests.kafka.world import World, carrying, producing
from tests.ports import free_port
from tests.support.broker_user import log_of_the_products_user

pytestmark = pytest.mark.kafka

NO_TRANSACTIONS = pytest.mark.fault("tansu", "InitProducerId answers UnknownError")
NO_RANGE_ERROR = pytest.mark.fault("tansu", "a fetch beyond the end is answered as if nothing were there")
COMES_BACK = pytest.mark.fault("noida", "a deleted topic comes back, with one partition, when any client asks for it")
NO_DELETION = pytest.mark.fault("tansu", "DeleteRecords panics")


def numbered(count: int, first: int = 0) -> list[tuple[str, str | None]]:
    return [(f"k{i % 7}", str(i)) for i in range(first, first + count)]


def command(world: World, number: int) -> Record:
    return Record(world.commands.name, 0, b"user", str(number).encode(), 1)


async def test_records_rows_and_rankings_are_copied(world: World) -> None:
    await world.create()
    await world.produce(world.events, numbered(5))
    await world.produce(world.rows, [("a", "1"), ("b", "2"), ("a", "3"), ("b", None)], partition=1)
    standings = (("u1", 5), ("u2", 3), ("u1", 1))
    await world.produce(world.ranks, [(f"xp|{user}", msgpack.packb({"all": [score]})) for user, score in standings])
    async with carrying(world.bridge()):
        await until(lambda: _all_copied(world, {world.events: 5, world.rows: 4, world.ranks: 3}))
        assert await world.copied(world.events) == numbered(5)
        assert await world.snapshot(world.rows, 1) == {"a": "3"}
        assert await world.ranking(world.ranks, "xp/all") == ["0|u1", "0|u2"]
        await world.produce(world.events, numbered(3, 5))
        await until(lambda: _all_copied(world, {world.events: 8}))


async def _all_copied(world: World, expected: dict[TopicSpec, int]) -> bool:
    counts = {topic: len(await world.copied(topic)) for topic in expected}
    return all(counts[topic] >= count for topic, count in expected.items())


class Unlucky(Log):
    """A log that loses every third answer to a write: the writer does not know whether it was written."""

    def __init__(self, url: str, namespace: str) -> None:
        super().__init__(url, namespace)
        self.writes = 0
        self.lost = 0

    async def commit(self, batch: WriteBatch, **options: Any) -> Appended:
        self.writes += 1
        if self.writes % 3 == 1:
            raise LogUnavailableError("not written, says the test")
        appended = await super().commit(batch, **options)
        if self.writes % 3 == 2:
            self.lost += 1
            raise LogUnavailableError("written, but the answer is lost, says the test")
        return appended


async def test_a_write_whose_answer_is_lost_doubles_nothing(world: World) -> None:
    await world.create()
    unlucky = Unlucky(world.log.url, world.log.keys.namespace)
    async with unlucky, carrying(Bridge(unlucky, world.kafka, world.plan)):
        for start in range(0, 40, 10):
            await world.produce(world.events, numbered(10, start))
            await until(lambda end=start + 10: _all_copied(world, {world.events: end}))  # type: ignore[misc]
    assert unlucky.lost
    assert await world.copied(world.events) == numbered(40)


async def test_two_bridges_at_once_copy_each_record_once_and_forward_in_order(world: World) -> None:
    await world.create()
    await world.log.create_topic(world.commands)
    async with carrying(world.bridge(), world.bridge()):
        for start in range(0, 100, 20):
            await world.produce(world.events, numbered(20, start))
            await world.log.append([command(world, i) for i in range(start, start + 20)])
        await until(lambda: _all_copied(world, {world.events: 100}))
        await until(lambda: _forwarded(world, 100))
    assert await world.copied(world.events) == numbered(100)
    sent = await world.consume(world.commands, 100)
    assert list(dict.fromkeys(sent)) == [str(i) for i in range(100)]


async def _forwarded(world: World, count: int) -> bool:
    committed = await world.log.committed("kafka-bridge")
    return committed.get(TopicPartition(world.commands.name, 0), 0) == count


async def test_a_command_whose_forwarding_was_not_noted_is_sent_again_behind_and_never_skipped(world: World) -> None:
    await world.log.create_topic(world.commands)
    unlucky = Unlucky(world.log.url, world.log.keys.namespace)
    async with unlucky, carrying(Bridge(unlucky, world.kafka, world.plan)):
        for start in range(0, 30, 10):
            await world.log.append([command(world, i) for i in range(start, start + 10)])
            await until(lambda end=start + 10: _forwarded(world, end))  # type: ignore[misc]
    sent = await world.consume(world.commands, 31)
    assert len(sent) > 30, "the test is to lose an answer after sending"
    assert list(dict.fromkeys(sent)) == [str(i) for i in range(30)]


async def test_a_damaged_partition_of_commands_waits_and_the_others_are_forwarded(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    await world.create()
    await world.log.create_topic(world.commands)
    whole, damaged = 0, TopicPartition(world.commands.name, 1)
    async with carrying(world.bridge()):
        await world.log.append([command(world, 0)])
        await until(lambda: _forwarded(world, 1))
        await world.log.redis.xadd(world.log.keys.stream(*damaged), {"x": "1"})
        await until(lambda: _waits_for(world, f"topics repair {damaged.topic} {damaged.partition}"))
        for number in range(1, 20):
            await world.log.append([command(world, number)])
            await until(lambda end=number + 1: _forwarded(world, end))  # type: ignore[misc]
        assert len([record for record in caplog.records if "the bridge forwards the other" in record.message]) == 1
        with pytest.raises(GroupInUseError, match="bridge-"):
            await repair_partition(world.log, damaged)
    assert await world.consume(world.commands, 20, partition=whole) == [str(i) for i in range(20)]
    assert await repair_partition(world.log, damaged)
    async with carrying(world.bridge()):
        await world.log.append([Record(world.commands.name, 1, b"user", b"late", 1)])
        assert await world.consume(world.commands, 1, partition=1) == ["late"]
        assert not await _waits_for(world, "repair")


async def _waits_for(world: World, what: str) -> bool:
    return what in (await Admin(world.log).describe_group("kafka-bridge")).why_not_ready


async def test_views_of_another_application_are_refused(world: World) -> None:
    async with Log(world.log.url, world.log.keys.namespace, owner="first"):
        pass
    async with Log(world.log.url, world.log.keys.namespace) as log:
        log.owner = "second"
        with pytest.raises(BridgeError, match="belongs to application 'first'"):
            await asyncio.wait_for(Bridge(log, world.kafka, world.plan).run(), 10)


class Held(Log):
    """A log that accepts no copies until it is released."""

    def __init__(self, url: str, namespace: str) -> None:
        super().__init__(url, namespace)
        self.go = asyncio.Event()
        self.committing = asyncio.Event()

    async def commit(self, batch: WriteBatch, **options: Any) -> Appended:
        if batch.source_offsets is not None:
            self.committing.set()
            await self.go.wait()
        return await super().commit(batch, **options)


async def test_a_groups_commit_is_shown_when_all_that_followed_is_copied_and_not_before(world: World) -> None:
    place = TopicPartition(world.commands.name, 0)
    held = Held(world.log.url, world.log.keys.namespace)
    async with held, carrying(Bridge(held, world.kafka, world.plan)):
        await until(lambda: _exists(world.log, world.commands))
        # Forward each command by itself: the shown offset is exact only for commands that were not sent together.
        for number in range(3):
            await world.log.append([command(world, number)])
            await until(lambda end=number + 1: _forwarded(world, end))  # type: ignore[misc]
        assert await world.consume(world.commands, 3) == ["0", "1", "2"]
        await world.produce(world.events, numbered(1))
        await held.committing.wait()
        await world.commit(world.commands, 2)
        await asyncio.sleep(0.5)  # Wait for several polls: nothing may be shown, so there is no event to wait for.
        assert await world.log.committed(world.group) == {}
        held.go.set()
        await until(lambda: _shown(world, place, 2))
        assert len(await world.copied(world.events)) == 1
        await world.commit(world.commands, 3)
        await until(lambda: _shown(world, place, 3))


async def _exists(log: Log, topic: TopicSpec) -> bool:
    return topic.name in await log.topics()


async def _shown(world: World, place: TopicPartition, offset: int) -> bool:
    return (await world.log.committed(world.group)).get(place) == offset


@NO_TRANSACTIONS
async def test_records_of_an_aborted_transaction_are_not_copied(world: World) -> None:
    await world.create()
    async with producing(world.bootstrap, transactional_id=f"{world.prefix}-t") as producer:
        for value, kept in ((b"1", True), (b"2", False), (b"3", True)):
            await producer.begin_transaction()
            await producer.send_and_wait(world.events.name, value, key=b"k", partition=0)
            await (producer.commit_transaction() if kept else producer.abort_transaction())
    async with carrying(world.bridge()):
        await until(lambda: _all_copied(world, {world.events: 2}))
        await world.produce(world.events, [("k", "4")])
        await until(lambda: _all_copied(world, {world.events: 3}))
    assert [value for _, value in await world.copied(world.events)] == ["1", "3", "4"]


@NO_RANGE_ERROR
@COMES_BACK
async def test_a_topic_that_was_recreated_on_kafka_is_refused(world: World) -> None:
    await world.create()
    await world.produce(world.events, numbered(5))
    async with carrying(world.bridge()):
        await until(lambda: _all_copied(world, {world.events: 5}))
    async with admin(world.kafka) as client:
        await client.delete_topics([world.events.name])
    await world.create()
    with pytest.raises(BridgeError, match="up to offset 5, which Kafka does not have"):
        await asyncio.wait_for(world.bridge().run(), 20)


@NO_DELETION
async def test_records_that_kafka_deleted_uncopied_are_skipped_and_logged(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    await world.create()
    await world.produce(world.events, numbered(2))
    async with carrying(world.bridge()):
        await until(lambda: _all_copied(world, {world.events: 2}))
    await world.produce(world.events, numbered(5, 2))
    async with admin(world.kafka) as client:
        await client.delete_records({KafkaPartition(world.events.name, 0): RecordsToDelete(before_offset=4)})
    async with carrying(world.bridge()):
        await until(lambda: _all_copied(world, {world.events: 5}))
    assert await world.copied(world.events) == [*numbered(2), *numbered(3, 4)]
    assert "Kafka deleted 2 records" in caplog.text


async def test_views_that_were_killed_get_everything_once(bootstrap: str, tmp_path_factory: Any) -> None:
    with EmbeddedServer(tmp_path_factory.mktemp("views"), find_binary()) as server:
        async with Log(server.url, NAMESPACE) as log:
            world = World(log, bootstrap)
            await world.create()
            async with carrying(world.bridge()):
                await world.produce(world.events, numbered(20))
                await until(lambda: _all_copied(world, {world.events: 20}))
                os.kill(server.pid, signal.SIGKILL)
                await until(lambda: server.exit_code is not None)
                await world.produce(world.events, numbered(20, 20))
                server.launch()
                await until(lambda: _reachable(log))
                await until(lambda: _all_copied(world, {world.events: 40}))
            assert await world.copied(world.events) == numbered(40)


async def _reachable(log: Log) -> bool:
    try:
        await log.topics()
    except LogUnavailableError:
        return False
    return True


async def test_a_kafka_that_is_not_there_yet_is_waited_for(log: Log, tmp_path: Any) -> None:
    port = free_port()
    world = World(log, f"127.0.0.1:{port}")
    async with carrying(world.bridge()):
        await asyncio.sleep(0.3)  # The bridge has tried in vain.
        with brokers.child(brokers.tansu(port, tmp_path), port, tmp_path / "tansu.log"):
            await until(lambda: _exists(log, world.events))
            await world.produce(world.events, numbered(3))
            await until(lambda: _all_copied(world, {world.events: 3}))


async def test_another_number_of_partitions_on_kafka_is_refused(world: World) -> None:
    await create_topics(world.kafka, [TopicSpec(world.events.name, 3)])
    with pytest.raises(BridgeError, match="has 3 partitions on Kafka, 2 were declared"):
        await asyncio.wait_for(world.bridge().run(), 20)


async def test_a_kafka_clients_own_cancellation_is_not_taken_for_ours() -> None:
    """Use an awaitable like aiokafka's consumer, which raises CancelledError when stopped just after its start."""

    async def lets_out() -> None:
        raise asyncio.CancelledError

    await ended(lets_out())

    async def cancelled() -> None:
        await ended(asyncio.sleep(60))

    task = asyncio.create_task(cancelled())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_bridge_that_is_cancelled_while_a_kafka_client_ends_does_not_go_on(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Use aiokafka's consumer, which takes the cancellation of its caller for that of its own task."""
    await world.create()
    stop, stopping = AIOKafkaConsumer.stop, asyncio.Event()

    async def stop_when_cancelled(consumer: AIOKafkaConsumer) -> None:
        if not stopping.is_set():
            stopping.set()
            asyncio.get_running_loop().call_soon(bridge.cancel)
        await stop(consumer)

    monkeypatch.setattr(AIOKafkaConsumer, "stop", stop_when_cancelled)
    bridge = asyncio.create_task(world.bridge().run())
    await stopping.wait()  # The forwarder ends the consumer that told it the ends of its topics.
    await asyncio.wait([bridge], timeout=10)
    assert bridge.cancelled()


async def test_the_bridge_needs_no_more_than_the_products_user_may(world: World) -> None:
    await world.create()
    await world.log.create_topic(world.commands)
    async with log_of_the_products_user(world.log.url, world.log.keys.namespace) as log:
        lease = ServiceLease(log, Service(Kind.BRIDGE, "bridge-1"), is_well, lease_ms=1_000, every_s=0.1)
        async with lease.held(), carrying(Bridge(log, world.kafka, world.plan)):
            await world.produce(world.events, numbered(5))
            await world.produce(world.rows, [("a", "1"), ("b", None)])
            await world.produce(world.ranks, [("xp|u1", msgpack.packb({"all": [5]}))])
            await world.log.append([command(world, i) for i in range(5)])
            await until(lambda: _all_copied(world, {world.events: 5, world.rows: 2, world.ranks: 1}))
            assert await world.consume(world.commands, 5) == [str(i) for i in range(5)]


async def is_well() -> str | None:
    return None
