"""Run unmodified Faust apps against a broker, in this process. Their tests must hold on any broker.

`python -m tests.shards tests/contract` runs them on shards. The apps of a test then are workers of one shard. Its
partitions are `PARTITIONS`, and tests name partitions by that, `FIRST` and `SECOND`.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import faust
from faust_redis.log import Shard, TopicSpec
from faust_redis.log.partitioner import partition_for
from yarl import URL

from streams.connect.kafka.address import address_of
from streams.connect.kafka.broker import create_topics
from tests.shards.chosen import shards_chosen

DEADLINE_S = 20.0
SHARDS = shards_chosen()
SHARD = Shard(1, SHARDS) if SHARDS > 1 else Shard()
"""The shard of the apps under test."""

TOPIC_PARTITIONS = 4 * SHARDS
PARTITIONS = SHARD.partitions(TOPIC_PARTITIONS)
"""The partitions of the apps under test."""

FIRST, SECOND, *_ = PARTITIONS
KAFKA_SETTINGS: dict[str, Any] = {"reply_create_topic": False, "broker_rebalance_timeout": 2.0}
"""Faust's own driver sleeps 3 s over a reply topic; Tansu lets each join wait half the rebalance timeout."""


@dataclass
class Broker:
    """A broker under test: its URL, and names that no other test uses."""

    url: URL
    datadir: Path
    prefix: str = field(default_factory=lambda: f"t{secrets.token_hex(4)}")

    def name(self, name: str) -> str:
        """Return a topic or application name of this test."""
        return f"{self.prefix}-{name}"

    def app(self, name: str = "app", member: str = "m1", **settings: Any) -> App:
        """Return an application with short timeouts; the same `name` with another `member` joins the same group."""
        own = self.url if SHARDS == 1 else self.url.update_query(shard=str(SHARD.number))
        defaults: dict[str, Any] = {
            "broker": [own, *[self.url] * (SHARDS - 1)],
            "store": "memory://",
            "topic_partitions": TOPIC_PARTITIONS,
            "topic_replication_factor": 1,
            "topic_disable_leader": True,
            "web_enabled": False,
            "reply_create_topic": SHARDS == 1,
            "broker_session_timeout": 6.0,
            "broker_heartbeat_interval": 0.3,
            "broker_rebalance_timeout": 6.0,
            "consumer_auto_offset_reset": "earliest",
            "datadir": self.datadir / member,
            "canonical_url": f"http://{member}.test",
        }
        if self.url.scheme == "kafka":
            defaults |= KAFKA_SETTINGS
        return App(self.name(name), **(defaults | settings))


def own_partition(key: bytes | None, count: int) -> int:
    """Return the partition of a key among those of the shard under test, since no worker of another shard runs."""
    return SHARD.partitions(count)[partition_for(key, count // SHARDS)]


class App(faust.App):
    """An application that remembers its topics: on Kafka a test must create them with the right partitions."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        self.named: set[str] = set()
        super().__init__(*args, **settings)

    def topic(self, *names: str, **settings: Any) -> Any:
        self.named.update(names)
        return super().topic(*names, **settings)

    async def create_topics(self) -> None:
        url = self.conf.broker[0]
        if url.scheme == "kafka" and self.named:
            specs = [TopicSpec(name, TOPIC_PARTITIONS) for name in sorted(self.named)]
            await create_topics(address_of(str(url)), specs)


@asynccontextmanager
async def running(*apps: faust.App) -> AsyncIterator[None]:
    """Run apps as workers until the block ends, then stop them cleanly."""
    started: list[faust.App] = []
    try:
        for app in apps:
            app.finalize()
            if isinstance(app, App):
                await app.create_topics()
            started.append(app)
            await asyncio.wait_for(app.start(), DEADLINE_S)
        await until(lambda: all(not app.rebalancing for app in apps))
        yield
    finally:
        for app in reversed(started):
            await asyncio.wait_for(app.stop(), DEADLINE_S)


async def until(condition: Callable[[], Any], deadline_s: float = DEADLINE_S) -> Any:
    """Wait until a condition is true; return its value."""
    loop = asyncio.get_running_loop()
    end = loop.time() + deadline_s
    while True:
        value = condition()
        if isinstance(value, Awaitable):
            value = await value
        if value:
            return value
        if loop.time() > end:
            raise AssertionError(f"not true within {deadline_s} s")
        await asyncio.sleep(0.02)
