"""A writing client notices when its broker becomes unsuitable, and when it is suitable again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from faust_redis.log import BrokerUnsuitableError, Log, Record, TopicSpec, connected

from deploy.server.embedded import EmbeddedServer
from deploy.server.server_binary import find_binary


@pytest.fixture
async def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Log]:
    """Return a log on a server of this test's own, whose client checks the server at each commit."""
    monkeypatch.setattr(connected, "CHECK_INTERVAL_S", 0.0)
    with EmbeddedServer(tmp_path, find_binary()) as server:
        async with Log(server.url, "own") as log:
            await log.create_topic(TopicSpec("t", 1))
            yield log


async def test_a_policy_that_is_changed_under_a_writer_stops_its_writes_until_it_is_changed_back(own: Log) -> None:
    await own.append([Record("t", 0, b"k", b"1", 1)])
    await own.redis.config_set("maxmemory-policy", "allkeys-lru")
    with pytest.raises(BrokerUnsuitableError, match="CONFIG SET maxmemory-policy noeviction"):
        await own.append([Record("t", 0, b"k", b"2", 1)])
    assert await own.end_offsets("t") == {0: 1}
    await own.redis.config_set("maxmemory-policy", "noeviction")
    assert (await own.append([Record("t", 0, b"k", b"2", 1)])).offsets == (1,)
