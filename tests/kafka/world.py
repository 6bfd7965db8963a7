"""A bridge over small topics of a test's own, run in the test's process, with helpers to inspect both sides."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.structs import OffsetAndMetadata
from aiokafka.structs import TopicPartition as KafkaPartition
from faust_redis.log import Log, TopicPartition, TopicSpec

from streams.connect.kafka.address import KafkaAddress
from streams.connect.kafka.bridge import Bridge, Plan
from streams.connect.kafka.broker import create_topics

PARTITIONS = 2
DEADLINE_S = 20.0


@dataclass
class World:
    """Topics with unique names: commands go to Kafka; events, rows and ranks come from there."""

    log: Log
    bootstrap: str
    prefix: str = field(default_factory=lambda: f"b{secrets.token_hex(4)}")

    def __post_init__(self) -> None:
        self.commands = TopicSpec(f"{self.prefix}-commands", PARTITIONS)
        self.events = TopicSpec(f"{self.prefix}-events", PARTITIONS)
        self.rows = TopicSpec(f"{self.prefix}-rows", PARTITIONS, "compact")
        self.ranks = TopicSpec(f"{self.prefix}-ranks", PARTITIONS, "compact", "rank")
        self.group = f"{self.prefix}-workers"

    @property
    def kafka(self) -> KafkaAddress:
        return KafkaAddress(self.bootstrap)

    @property
    def plan(self) -> Plan:
        return Plan(
            {self.group: [self.commands.name, self.events.name]}, [self.commands], [self.events, self.rows, self.ranks]
        )

    def bridge(self) -> Bridge:
        return Bridge(self.log, self.kafka, self.plan)

    async def create(self) -> None:
        await create_topics(self.kafka, [self.commands, self.events, self.rows, self.ranks])

    async def produce(
        self, topic: TopicSpec, rows: Sequence[tuple[str, str | bytes | None]], *, partition: int = 0
    ) -> None:
        """Append to Kafka, each record in a batch of its own."""
        async with producing(self.bootstrap) as producer:
            for key, value in rows:
                raw = value.encode() if isinstance(value, str) else value
                await producer.send_and_wait(topic.name, raw, key=key.encode(), partition=partition)

    async def consume(self, topic: TopicSpec, count: int, *, partition: int = 0) -> list[str]:
        """Return the first values of a partition on Kafka, once it has that many."""
        place = KafkaPartition(topic.name, partition)
        consumer = AIOKafkaConsumer(bootstrap_servers=self.bootstrap, enable_auto_commit=False)
        await consumer.start()
        try:
            consumer.assign([place])
            consumer.seek(place, 0)
            found: list[str] = []
            async with asyncio.timeout(DEADLINE_S):
                while len(found) < count:
                    batch = await consumer.getmany(place, timeout_ms=200)
                    found += [record.value.decode() for record in batch.get(place, ())]
            return found
        finally:
            await consumer.stop()

    async def commit(self, topic: TopicSpec, offset: int, *, partition: int = 0) -> None:
        """Commit offsets on Kafka, as a worker would."""
        place = KafkaPartition(topic.name, partition)
        consumer = AIOKafkaConsumer(bootstrap_servers=self.bootstrap, group_id=self.group, enable_auto_commit=False)
        await consumer.start()
        try:
            consumer.assign([place])
            await consumer.commit({place: OffsetAndMetadata(offset, "")})
        finally:
            await consumer.stop()

    async def copied(self, topic: TopicSpec) -> list[tuple[str, str | None]]:
        """Return keys and values of the log, partition by partition."""
        found = []
        for p in range(PARTITIONS):
            for record in await self.log.tail(TopicPartition(topic.name, p), 10_000):
                value = None if record.value is None else record.value.decode(errors="replace")
                found.append(((record.key or b"").decode(), value))
        return found

    async def snapshot(self, topic: TopicSpec, partition: int = 0) -> dict[str, str]:
        """Return the rows of a table's partition, as the API reads them."""
        [rows] = await self.log.at_once(("HGETALL", self.log.keys.snapshot(topic.name, partition)))
        return {key.decode(): value.decode() for key, value in rows.items()}

    async def ranking(self, topic: TopicSpec, group: str) -> list[str]:
        """Return a ranking's entries in order."""
        [entries] = await self.log.at_once(("ZRANGE", self.log.keys.ranking(topic.name, group), 0, -1))
        return [entry.decode() for entry in entries]


@asynccontextmanager
async def producing(bootstrap: str, **settings: str) -> AsyncIterator[AIOKafkaProducer]:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", **settings)
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()


@asynccontextmanager
async def carrying(*bridges: Bridge) -> AsyncIterator[None]:
    """Run bridges until the block ends; a bridge that ends by itself fails the test."""
    tasks = [asyncio.create_task(bridge.run()) for bridge in bridges]
    try:
        yield
        for task in tasks:
            assert not task.done(), task.exception()
    finally:
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task
