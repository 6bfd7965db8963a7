"""Workers process trimmed events out of the archive, once each, and go on with the log."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from faust_redis.admin import Admin
from faust_redis.log import Log, Record, TopicPartition, TopicSpec
from yarl import URL

from tests.archive import object_store
from tests.archive.world import archive_all, archiver
from tests.contract.harness import Broker, running, until

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

INT: Any = int  # Faust accepts any type here, but its annotation names only some.
PARTITIONS = 2


def broker_with(archive: str, broker_url: str, namespace: str, directory: Path) -> Broker:
    return Broker(URL(broker_url).update_query(namespace=namespace, archive=archive), directory)


@pytest.fixture
def broker(broker_url: str, namespace: str, tmp_path: Path) -> Broker:
    """Return a broker whose URL names the archive."""
    return broker_with(str(tmp_path / "archive"), broker_url, namespace, tmp_path)


async def append(log: Log, topic: str, numbers: range) -> None:
    for first in range(numbers.start, numbers.stop, 20):
        some = range(first, min(first + 20, numbers.stop))
        await log.append([Record(topic, n % PARTITIONS, b"%d" % n, b"%d" % n, 0) for n in some])


async def trimmed(log: Log, topic: str) -> None:
    async def done() -> bool:
        await log.trim(topic, range(PARTITIONS), 100_000)
        ends, begins = await log.end_offsets(topic), await log.beginning_offsets(topic)
        return all(begins[p] > ends[p] - 128 for p in ends)

    await until(done)


async def test_a_new_group_processes_every_event_once_from_the_archive_and_then_the_log(
    broker: Broker, log: Log, tmp_path: Path
) -> None:
    name = broker.name("in")
    await log.create_topic(TopicSpec(name, PARTITIONS, retention_ms=40, archived=True))
    await append(log, name, range(1_000))
    await archive_all(archiver(log, tmp_path / "archive"))
    await trimmed(log, name)
    handled: Counter[int] = Counter()
    app = broker.app(topic_partitions=PARTITIONS)
    table = app.Table("sums", default=int, partitions=PARTITIONS)

    @app.agent(app.topic(name, key_type=str, value_type=INT))
    async def keep(stream: Any) -> None:
        async for value in stream:
            handled[value] += 1
            table["all"] += value

    async with running(app):
        await until(lambda: len(handled) == 1_000)
        await append(log, name, range(1_000, 1_200))
        await until(lambda: len(handled) == 1_200)

        async def committed() -> bool:
            offsets = await log.committed(app.conf.id)
            return all(offsets[TopicPartition(name, p)] == 600 for p in range(PARTITIONS))

        await until(committed)
    assert set(handled.values()) == {1}


async def test_a_worker_that_waits_for_a_slow_archive_keeps_its_partitions(
    log: Log, broker_url: str, namespace: str, tmp_path: Path
) -> None:
    with object_store.running() as store:
        broker = broker_with(store.url, broker_url, namespace, tmp_path)
        name = broker.name("in")
        await log.create_topic(TopicSpec(name, PARTITIONS, retention_ms=40, archived=True))
        await append(log, name, range(400))
        await archive_all(archiver(log, store.url))
        await trimmed(log, name)
        store.pause_s = 0.8
        handled: Counter[int] = Counter()
        app = broker.app(topic_partitions=PARTITIONS, broker_session_timeout=0.9, broker_heartbeat_interval=0.2)

        @app.agent(app.topic(name, key_type=str, value_type=INT))
        async def keep(stream: Any) -> None:
            async for value in stream:
                handled[value] += 1

        async with running(app):
            [generation] = await generations(log, app.conf.id)
            await until(lambda: len(handled) == 400)
            assert await generations(log, app.conf.id) == [generation]
    assert set(handled.values()) == {1}


async def generations(log: Log, group: str) -> list[int]:
    return [(await Admin(log).describe_group(group)).generation]
