"""Expired windows leave the table and its changelog, are reported once, and do not come back."""

from __future__ import annotations

from typing import Any

import faust
import pytest
from faust.types import TP
from faust_redis.log import Log
from faust_redis.testing import TestDriver

from tests.contract.harness import FIRST, Broker, running, until

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.only_on_redis("the expiry of windows is our driver's"),
]

INT: Any = int  # Faust accepts any type here, but its annotation names only some.

STORES = ["memory://", "faust-redis-rocksdb://"]


class Counting:
    """An app that counts events in windows of 10 s that are kept for 30 s."""

    def __init__(self, app: faust.App, topic: str = "in", expires_s: float = 30.0) -> None:
        self.app = app
        self.topic = self.app.topic(topic, key_type=str, value_type=INT)
        self.closed: list[tuple[Any, Any]] = []
        self.table = self.app.Table("windows", default=int, on_window_close=self._note)
        self.windows = self.table.tumbling(10.0, expires=expires_s)

        @self.app.agent(self.topic)
        async def count(stream: Any) -> None:
            async for key, value in stream.items():
                self.windows[key] += value

    def _note(self, key: Any, value: Any) -> None:
        self.closed.append((key, value))

    @classmethod
    def on(cls, broker: Broker, store: str, member: str = "m1") -> Counting:
        """Return an app for a broker."""
        return cls(broker.app(member=member, store=store, table_cleanup_interval=0.1), broker.name("in"))

    @classmethod
    def driven(cls, store: str, expires_s: float = 30.0) -> Counting:
        """Return an app for the test driver."""
        return cls(faust.App("app", broker="redis://unused", store=store, topic_partitions=4), expires_s=expires_s)

    async def send(self, *seconds: float) -> None:
        consumer: Any = self.app.consumer
        tp = TP(self.topic.get_topic_name(), FIRST)
        end = consumer.driver.tracker.committed(tp) + len(seconds)
        for second in seconds:
            await self.topic.send(key="k", value=1, partition=FIRST, timestamp=second)
        await until(lambda: consumer.driver.tracker.committed(tp) == end)

    async def starts_in_the_log(self, log: Log) -> list[float]:
        """Return the starts of the windows in the changelog's snapshot."""
        name = self.table.changelog_topic.get_topic_name()
        [rows] = await log.at_once(("HGETALL", log.keys.snapshot(name, FIRST)))
        load: Any = self.app.serializers.loads_key
        return sorted(load(None, key, serializer="json")[1][0] for key in rows)

    def starts(self) -> list[float]:
        """Return the starts of the windows in the table."""
        return sorted(key[1][0] for key in self.table.keys())  # noqa: SIM118 - a table is iterated by partition


def key(start: float) -> tuple[str, tuple[float, float]]:
    return ("k", (start, start + 9.9))


@pytest.mark.parametrize("store", STORES)
def test_an_expired_window_leaves_a_tombstone_and_is_reported_once(store: str) -> None:
    counting = Counting.driven(store)
    with TestDriver(counting.app) as driver:
        for second in (1000.0, 1001.0, 1010.0):
            driver.pipe("in", 1, key="k", partition=0, timestamp=second)
        assert driver.table("windows") == {key(1000.0): 2, key(1010.0): 1}
        driver.pipe("in", 1, key="k", partition=0, timestamp=1055.0)  # Event time counts: the wall clock says 2026.
        driver.advance_event_time(0)
        assert counting.closed == [(key(1000.0), 2), (key(1010.0), 1)]
        assert driver.table("windows") == {key(1050.0): 1}
        assert counting.starts() == [1050.0]
        changelog = driver.read(counting.table.changelog_topic)
        assert [each.value for each in changelog] == [1, 2, 1, 1, None, None]
        driver.advance(20)
        assert len(counting.closed) == 2


@pytest.mark.parametrize("store", STORES)
async def test_an_expired_window_does_not_come_back_and_restored_ones_expire(
    broker: Broker, log: Log, store: str
) -> None:
    first = Counting.on(broker, store)
    async with running(first.app):
        await first.send(1000.0, 1030.0, 1045.0)
        await until(lambda: _is(first.starts_in_the_log(log), [1030.0, 1040.0]))
    second = Counting.on(broker, store, member="m2")
    async with running(second.app):
        await until(lambda: not second.app.rebalancing)
        assert second.starts() == [1030.0, 1040.0]
        await second.send(1085.0)
        await until(lambda: len(second.closed) == 2)
        await until(lambda: _is(second.starts_in_the_log(log), [1080.0]))
    assert second.closed == [(key(1030.0), 1), (key(1040.0), 1)]


def test_windows_of_an_idle_partition_close_too() -> None:
    counting = Counting.driven("faust-redis-rocksdb://")
    with TestDriver(counting.app) as driver:
        driver.pipe("in", 1, key="k", partition=0, timestamp=1000.0)
        driver.advance(30)
        assert counting.closed == []
        driver.advance(60)
        assert counting.closed == [(key(1000.0), 1)]
        assert driver.table("windows") == {}


async def test_only_the_owner_of_a_partition_expires_its_windows(broker: Broker, log: Log) -> None:
    counting = Counting.on(broker, "faust-redis-rocksdb://")
    async with running(counting.app):
        await counting.send(1000.0)
        committer: Any = counting.app.transport.driver.committer  # type: ignore[attr-defined]
        fence, committer.fence = committer.fence, None
        table: Any = counting.table
        table._maybe_set_key_ttl(key(1090.0), FIRST)
        await table._del_old_keys()
        assert (counting.closed, await counting.starts_in_the_log(log)) == ([], [1000.0])
        committer.fence = fence
        await until(lambda: _is(counting.starts_in_the_log(log), []))


async def _is(awaitable: Any, expected: Any) -> bool:
    return bool(await awaitable == expected)
