"""The API tells when the broker lost events that clients have an answer for."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest
from faust_redis.log import Log, Record, TopicPartition, TopicSpec, UnknownTopicError
from prometheus_client import CollectorRegistry, Counter

from api.kit import acknowledged as module
from api.kit.acknowledged import Acknowledgements
from deploy.server.embedded import EmbeddedServer
from deploy.server.server_binary import find_binary
from tests import backup

TOPIC = "commands"


@pytest.fixture
async def own(tmp_path: Path) -> AsyncIterator[Log]:
    with EmbeddedServer(tmp_path, find_binary()) as server:
        async with Log(server.url, "astra") as log:
            await log.create_topic(TopicSpec(TOPIC, 2))
            yield log


@pytest.fixture
def lost() -> Counter:
    return Counter("lost", "Lost events", registry=CollectorRegistry())


def count(lost: Counter) -> float:
    return next(sample.value for metric in lost.collect() for sample in metric.samples if sample.name == "lost_total")


async def append(
    log: Log, acknowledged: Acknowledgements, *names: str, topic: str = TOPIC, partition: int = 0, times: int = 1
) -> None:
    """Append events whose clients have their answer, some of them more than once."""
    appended = await log.append([Record(topic, partition, b"k", f'{{"id":"{name}"}}'.encode(), 1) for name in names])
    for _ in range(times):
        places = [(name, partition, offset) for name, offset in zip(names, appended.offsets, strict=True)]
        acknowledged.note(topic, places)


async def promote(log: Log) -> None:
    """Give the server another replication id, as a promoted replica has one."""
    await log.redis.execute_command("REPLICAOF", "127.0.0.1", 1)
    await log.redis.execute_command("REPLICAOF", "NO", "ONE")


async def test_events_that_a_promoted_replica_lacks_are_counted_and_named(
    own: Log, lost: Counter, caplog: pytest.LogCaptureFixture
) -> None:
    acknowledged = Acknowledgements(own, lost)
    await append(own, acknowledged, "kept-1", "kept-2")
    await acknowledged.look()
    earlier = await backup.dump(own)
    await append(own, acknowledged, "gone-1", "gone-2", "gone-3")
    await acknowledged.look()
    assert count(lost) == 0
    await backup.restore(own, earlier)
    await own.append([Record(TOPIC, 0, b"k", b'{"id":"another"}', 1)])
    await promote(own)
    with caplog.at_level(logging.ERROR):
        await acknowledged.look()
        await acknowledged.look()
    assert count(lost) == 3
    [error] = caplog.messages
    assert "gone-1, gone-2, gone-3" in error
    assert "kept" not in error


async def test_a_fail_over_that_loses_nothing_is_no_loss(own: Log, lost: Counter) -> None:
    acknowledged = Acknowledgements(own, lost)
    await append(own, acknowledged, "kept-1", "kept-2")
    await acknowledged.look()
    await promote(own)
    await acknowledged.look()
    await append(own, acknowledged, "kept-3")
    await acknowledged.look()
    assert count(lost) == 0


async def test_an_event_that_was_answered_twice_is_lost_once(own: Log, lost: Counter) -> None:
    acknowledged = Acknowledgements(own, lost)
    await acknowledged.look()
    earlier = await backup.dump(own)
    await append(own, acknowledged, "gone-1", "gone-2", times=3)
    await backup.restore(own, earlier)
    await promote(own)
    await acknowledged.look()
    assert count(lost) == 2


async def test_partitions_that_cannot_be_read_and_topics_that_are_gone_do_not_hide_a_loss(
    own: Log, lost: Counter, caplog: pytest.LogCaptureFixture
) -> None:
    acknowledged = Acknowledgements(own, lost)
    await append(own, acknowledged, "unread", partition=0)
    await acknowledged.look()
    earlier = await backup.dump(own)
    await own.create_topic(TopicSpec("new", 1))
    await append(own, acknowledged, "gone-1", "gone-2", topic="new")
    await append(own, acknowledged, "gone-3", partition=1)
    await backup.restore(own, earlier)
    await own.redis.set(own.keys.stream(TOPIC, 0), "something else")
    with pytest.raises(UnknownTopicError):
        await own.topic("new", fresh=True)
    await promote(own)
    await acknowledged.look()
    assert count(lost) == 3
    assert any(f"cannot look for acknowledged events of {TOPIC}:0" in message for message in caplog.messages)


async def test_a_look_reads_little_more_than_the_acknowledged_events(
    own: Log, lost: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other gateways may append a million events between two of this one."""
    acknowledged, fetch, read = Acknowledgements(own, lost), own.fetch, list[int]()

    async def counted(offsets: Mapping[TopicPartition, int], *, count: int = 500) -> object:
        records = await fetch(offsets, count=count)
        read.append(sum(map(len, records.values())))
        return records

    await append(own, acknowledged, "kept-1", "kept-2")
    for _ in range(20):
        await own.append([Record(TOPIC, 0, b"k", b'{"id":"another"}', 1)] * 100)
    await append(own, acknowledged, "kept-3")
    await acknowledged.look()
    await promote(own)
    monkeypatch.setattr(own, "fetch", counted)
    for _ in range(3):
        await acknowledged.look()
    assert count(lost) == 0
    assert 3 <= sum(read) <= 200  # an entry of the log may hold some records more


async def test_an_event_is_forgotten_after_a_minute_with_the_same_broker_and_not_while_it_is_away(
    own: Log, lost: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "REMEMBER_S", 0.0)
    acknowledged = Acknowledgements(own, lost)
    earlier = await backup.dump(own)
    await append(own, acknowledged, "old-1", "old-2")
    await acknowledged.look()  # the broker is well, so these need no memory
    await append(own, acknowledged, "gone-1")
    await backup.restore(own, earlier)
    await promote(own)
    await acknowledged.look()
    assert count(lost) == 1
