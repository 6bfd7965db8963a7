"""Shards of a namespace: what a write sends to another shard arrives once, whatever happens to either."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from faust_redis.admin import Admin
from faust_redis.driver.tasks import cancel_and_wait
from faust_redis.log import (
    Appended,
    DamagedPartitionError,
    GroupInUseError,
    Log,
    LogError,
    ProducerSequence,
    Record,
    Shard,
    ShardMismatchError,
    SourceMovedError,
    TopicPartition,
    TopicSpec,
    UnknownTopicError,
    WriteBatch,
)
from faust_redis.log.forwarding import FORGET_AFTER_MS
from faust_redis.log.integrity import repair_partition
from faust_redis.log.records import OFFSET_UNKNOWN
from faust_redis.log.sharded import open_log
from faust_redis.log.transit import WRITER_LIFE_MS, Transit, transit_topic, unpack

from deploy.server.embedded import EmbeddedServer
from deploy.server.server_binary import find_binary
from tests.contract.harness import until
from tests.integration.streams.sharding import HERE, SHARDS, THERE, forwarder, send, values


async def test_a_write_leaves_what_is_for_another_shard_in_a_transit_topic(shards: list[Log]) -> None:
    appended = await send(shards[0], 1, 2)
    assert appended.offsets == (0, OFFSET_UNKNOWN, 1, OFFSET_UNKNOWN)
    assert await values(shards[0], HERE) == [1, 2]
    assert await values(shards[1], THERE) == []
    place = TopicPartition(transit_topic("g", 1), 0)
    [record] = (await shards[0].fetch({place: 0}))[place]
    assert [(one.partition, one.value, one.headers) for one in unpack(record.value or b"").records] == [
        (1, b"1", (("h", b"x"),)),
        (1, b"2", (("h", b"x"),)),
    ]


async def test_each_shard_has_its_own_partitions(shards: list[Log]) -> None:
    assert [set(await log.end_offsets("t")) for log in shards] == [{0, 3}, {1, 4}, {2, 5}]


async def test_forwarded_records_arrive_once_and_in_order(shards: list[Log]) -> None:
    forwards = forwarder(shards)
    for number in range(5):
        await send(shards[0], number)
        await forwards.step()
    assert await forwards.step() == 0
    assert await values(shards[1], THERE) == list(range(5))


async def test_a_second_forwarder_forwards_nothing_twice(shards: list[Log]) -> None:
    first, second = forwarder(shards), forwarder(shards)
    await send(shards[0], 1)
    await first.step()
    await second.step()
    await send(shards[0], 2)
    await second.step()
    with pytest.raises(SourceMovedError):
        await first.step()  # the paused one continues where it stood
    await send(shards[0], 3)
    await second.step()
    assert await values(shards[1], THERE) == [1, 2, 3]


async def test_a_forwarder_that_died_before_it_committed_is_followed_by_one_that_repeats_nothing(
    shards: list[Log],
) -> None:
    await send(shards[0], 1)
    await forwarder(shards).step()
    await shards[0].redis.hdel(shards[0].keys.offsets("g-transit"), f"{transit_topic('g', 1)}:0")
    await send(shards[0], 2)
    await forwarder(shards).step()
    assert await values(shards[1], THERE) == [1, 2]


async def test_a_retried_write_is_forwarded_once(shards: list[Log]) -> None:
    batch = WriteBatch([Record("t", 1, b"k", b"7", 1)])
    for _ in range(2):
        await shards[0].commit(batch, write_id=ProducerSequence("p", 1, 60_000))
    await forwarder(shards).step()
    assert await values(shards[1], THERE) == [7]


class Late(Log):
    """A log whose first write that crosses shards is on its way until the second is written."""

    second: asyncio.Event | None = None

    async def _commit(self, *args: Any) -> Appended:
        if self.second is None:
            self.second = asyncio.Event()
            await self.second.wait()
            return await super()._commit(*args)
        appended = await super()._commit(*args)
        self.second.set()
        return appended


async def test_writes_that_overlap_are_forwarded_in_the_order_in_which_they_were_written(
    shards: list[Log], broker_url: str, namespace: str
) -> None:
    async with Late(broker_url, namespace, shard=Shard(0, SHARDS), transit="g") as late:
        await asyncio.gather(send(late, 1), send(late, 2))
    await forwarder(shards).step()
    assert await values(shards[1], THERE) == [2, 1]


class Dated(Transit):
    """Transit topics whose writers began at a time that the test sets."""

    time_ms = 0

    def now_ms(self) -> int:
        return self.time_ms


@pytest.fixture
def dated(shards: list[Log]) -> Dated:
    """Return the transit of shard 0, with a clock that the test sets."""
    shards[0].transit = found = Dated(shards[0].shard, "g")
    return found


async def writers(shards: Sequence[Log]) -> int:
    """Return of how many writers of shard 0 shard 1 knows the parcels."""
    return len(await shards[1].source_offsets(f"{transit_topic('g', 1)}:0")) - 1


async def test_a_writer_writes_for_a_day_and_is_forgotten_when_its_parcels_are_gone_for_a_week(
    shards: list[Log], dated: Dated, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("faust_redis.log.forwarding.LOOK_EVERY_S", 0.0)
    forwards, topic = forwarder(shards), transit_topic("g", 1)
    for number in range(12):  # a write every twelve hours
        dated.time_ms = number * WRITER_LIFE_MS // 2
        await send(shards[0], number)
        await forwards.step()
    assert await writers(shards) == 6
    dated.time_ms += FORGET_AFTER_MS - WRITER_LIFE_MS
    await send(shards[0], 12)
    await forwards.step()
    await forwards.step()
    assert await writers(shards) == 7, "its parcels are in the transit topic"
    await shards[0].redis.xtrim(shards[0].keys.stream(topic, 0), maxlen=1, approximate=False)
    await forwards.step()
    assert await writers(shards) == 2, "the last of a week ago, and the present one"
    for successor in (forwards, forwarder(shards)):
        await send(shards[0], 13)
        await successor.step()
    assert await values(shards[1], THERE) == [*range(13), 13, 13]


async def test_a_paused_forwarder_repeats_nothing_of_a_writer_that_was_forgotten(
    shards: list[Log], dated: Dated, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("faust_redis.log.forwarding.LOOK_EVERY_S", 0.0)
    paused, successor, topic = forwarder(shards), forwarder(shards), transit_topic("g", 1)
    await send(shards[0], 1)
    await paused.step()
    await send(shards[0], 2)
    records = (await shards[0].fetch({TopicPartition(topic, 0): 1}))[TopicPartition(topic, 0)]
    await successor.step()
    dated.time_ms += FORGET_AFTER_MS + 1
    await send(shards[0], 3)
    await successor.step()
    await shards[0].redis.xtrim(shards[0].keys.stream(topic, 0), maxlen=1, approximate=False)
    await successor.step()
    assert await writers(shards) == 1
    with pytest.raises(SourceMovedError):
        await paused._forward([unpack(record.value or b"") for record in records])  # it had read them before its pause
    assert await values(shards[1], THERE) == [1, 2, 3]


async def test_a_topic_that_the_other_shard_does_not_have_yet_is_created_there(shards: list[Log]) -> None:
    await shards[0].create_topic(TopicSpec("new", 6, retention_ms=5_000))
    await shards[0].append([Record("new", 1, b"k", b"1", 1), Record("t", 1, b"k", b"2", 1)])
    await forwarder(shards).step()
    assert await values(shards[1], TopicPartition("new", 1)) == [1]
    assert await values(shards[1], THERE) == [2]
    assert (await shards[1].topic("new", fresh=True)).spec == (await shards[0].topic("new")).spec


async def test_records_for_a_topic_that_no_shard_has_wait_until_it_is_there_again(
    shards: list[Log], broker_url: str, namespace: str
) -> None:
    """A flush of all brokers removes a topic as well as an operator who deletes it, and only its records know."""
    for log in shards:
        await log.create_topic(TopicSpec("old", 6))
    await shards[0].append([Record("old", 1, b"k", b"1", 1), Record("t", 1, b"k", b"2", 1)])
    async with open_log(",".join([broker_url] * SHARDS), namespace) as log:
        await Admin(log).delete_topic("old")
        with pytest.raises(UnknownTopicError, match="'old' does not exist"):
            await forwarder(shards).step()
        await log.create_topic(TopicSpec("old", 6))
    await forwarder(shards).step()
    assert await values(shards[1], TopicPartition("old", 1)) == [1]
    assert await values(shards[1], THERE) == [2]


async def test_a_damaged_partition_of_another_shard_is_logged_once_and_named_until_it_is_repaired(
    shards: list[Log], caplog: pytest.LogCaptureFixture
) -> None:
    forwards = forwarder(shards)
    running = asyncio.create_task(forwards.run())
    try:
        await send(shards[0], 1)
        await until(lambda: _arrived(shards, 1))
        await shards[1].redis.xadd(shards[1].keys.stream(*THERE), {"x": "1"})
        await send(shards[0], 2)
        await until(lambda: isinstance(forwards.error, DamagedPartitionError))
        await asyncio.sleep(0.5)  # Wait for further attempts: none of them is logged.
        assert caplog.text.count("records of g-transit-1 wait to be forwarded") == 1
        assert "topics repair t 1" in caplog.text
        await repair_partition(shards[1], THERE)
        await until(lambda: _arrived(shards, 2))
        await until(lambda: forwards.error is None)
    finally:
        await cancel_and_wait(running)


async def _arrived(shards: Sequence[Log], count: int) -> bool:
    return len(await values(shards[1], THERE)) == count


async def test_forwarders_of_two_processes_at_once_forward_each_record_once_and_in_order(shards: list[Log]) -> None:
    """Each process of a service forwards, also one that waits for its lead."""
    running = [asyncio.create_task(forwarder(shards).run()) for _ in range(2)]
    try:
        for number in range(100):
            await send(shards[0], number)
        await until(lambda: _arrived(shards, 100))
    finally:
        for each in running:
            await cancel_and_wait(each)
    assert await values(shards[1], THERE) == list(range(100))


async def test_unforwarded_records_are_not_trimmed(shards: list[Log]) -> None:
    await send(shards[0], 1)
    forwards = forwarder(shards)
    await forwards.step()
    await send(shards[0], 2)
    await send(shards[0], 3)
    topic = transit_topic("g", 1)
    await shards[0].redis.hset(shards[0].keys.topic(topic), "retention_ms", "1")
    for _ in range(3):
        await shards[0].trim(topic, [0], 1_000)
    for _ in range(2):
        await forwards.step()
    assert await values(shards[1], THERE) == [1, 2, 3]


async def test_a_broker_that_holds_another_shard_is_refused(shards: list[Log], broker_url: str, namespace: str) -> None:
    for shard in (Shard(0, 2), Shard(0, 1)):
        with pytest.raises(ShardMismatchError, match=f"is shard 0/3, and {shard} was expected"):
            await Log(broker_url, namespace, shard=shard).__aenter__()


async def test_a_forwarder_does_not_end_at_a_parcel_that_cannot_be_read(shards: list[Log]) -> None:
    await send(shards[0], 1)
    await shards[0].append([Record(transit_topic("g", 1), 0, None, b"no parcel", 1)])
    with pytest.raises(LogError, match="at offset 1 is no parcel"):  # `run` goes on after such an error
        await forwarder(shards).step()


async def test_a_broker_that_holds_a_whole_namespace_is_refused_as_a_shard(broker_url: str, namespace: str) -> None:
    async with Log(broker_url, namespace) as log:
        await log.create_topic(TopicSpec("t", 6))
    with pytest.raises(ShardMismatchError, match="is shard 0/1, and 1/3 was expected"):
        await Log(broker_url, namespace, shard=Shard(1, SHARDS)).__aenter__()


async def test_committed_offsets_are_on_the_shard_of_their_partition(broker_url: str, namespace: str) -> None:
    async with open_log(f"{broker_url},{broker_url}", namespace, transit="g") as log:
        await log.create_topic(TopicSpec("t", 2))
        await log.commit(WriteBatch(offsets={HERE: 3, THERE: 4}, group="group"))
        assert [await shard.committed("group") for shard in log.shards] == [{HERE: 3}, {THERE: 4}]


async def test_brokers_in_another_order_are_refused(tmp_path: Path, namespace: str) -> None:
    with ExitStack() as stack:
        servers = [stack.enter_context(EmbeddedServer(tmp_path / name, find_binary())) for name in ("a", "b")]
        first, second = (server.url for server in servers)
        async with open_log(f"{first},{second}", namespace) as log:
            await log.create_topic(TopicSpec("t", 2))
        with pytest.raises(ShardMismatchError, match="is shard 1/2, and 0/2 was expected"):
            await open_log(f"{second},{first}", namespace).__aenter__()


async def test_a_client_without_transit_topics_writes_to_no_other_shard(
    shards: list[Log], broker_url: str, namespace: str
) -> None:
    async with Log(broker_url, namespace, shard=Shard(0, SHARDS)) as log:
        with pytest.raises(ValueError, match="transit"):
            await send(log, 1)
    assert await values(shards[0], HERE) == []


async def test_a_topic_is_deleted_from_all_shards_or_from_none(
    shards: list[Log], broker_url: str, namespace: str
) -> None:
    joined = await shards[1].groups.join("g", "m", b"", lease_ms=60_000, rebalance_ms=1_000, settle_ms=0)
    assert joined.known
    async with open_log(",".join([broker_url] * SHARDS), namespace) as log:
        with pytest.raises(GroupInUseError):
            await Admin(log).delete_topic("t")
        assert "t" in await shards[0].topics()
        await shards[1].groups.leave("g", "m")
        await Admin(log).delete_topic("t")
        assert [await shard.topics() for shard in shards] == [[], [], []]
