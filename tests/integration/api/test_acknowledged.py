"""The API tells when the broker lost events that clients have an answer for."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from faust_redis.log import Log, Record, TopicSpec
from prometheus_client import CollectorRegistry, Counter

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


async def append(log: Log, acknowledged: Acknowledgements, *names: str) -> None:
    appended = await log.append([Record(TOPIC, 0, b"k", f'{{"id":"{name}"}}'.encode(), 1) for name in names])
    acknowledged.note(TOPIC, [(name, 0, offset) for name, offset in zip(names, appended.offsets, strict=True)])


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
