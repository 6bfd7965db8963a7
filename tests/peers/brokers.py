"""The brokers of a race, each new, on loopback, ended by its pid; and their topic, filled before the race starts.

Events are partitioned by key over four partitions; on a plain Redis they are one stream.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from aiokafka import AIOKafkaProducer
from aiokafka.admin import NewTopic
from faust_redis.log import Record
from redis import Redis

from deploy.server.server_binary import find_binary
from streams.connect.kafka.address import KafkaAddress
from streams.connect.kafka.broker import admin
from tests.bench import payload
from tests.kafka import brokers
from tests.peers.contestants import BrokerKind
from tests.ports import free_port

PARTITIONS = 4
RETENTION = {"retention.ms": "604800000", "retention.bytes": "-1"}
"""Kafka's defaults; Tansu tells of a topic's settings only those that were set, and Quix Streams reads these."""

BATCH_BYTES = 500_000
PIPELINE_RECORDS = 1_000
FASTSTREAM_FIELD = "__data__"
"""Where FastStream, which alone reads a plain stream here, has the body of a message."""


@contextmanager
def broker(kind: BrokerKind, named: str | None, directory: Path) -> Iterator[tuple[str, int]]:
    """Yield a broker's address and pid; for a named Kafka, its address and 0."""
    if kind == "redis":
        with _redis(directory) as found:
            yield found
    elif named is not None:
        yield named, 0
    else:
        port = free_port()
        with brokers.child(brokers.COMMANDS[kind](port, directory), port, directory / f"{kind}.log") as pid:
            yield f"127.0.0.1:{port}", pid


@contextmanager
def _redis(directory: Path) -> Iterator[tuple[str, int]]:
    """Start our embedded server on a port: not every peer's client accepts a socket's path."""
    port = free_port()
    options = ["--port", str(port), "--bind", "127.0.0.1", "--dir", str(directory), "--save", "", "--appendonly", "yes"]
    with brokers.child([str(find_binary().path), *options], port, directory / "redis.log") as pid:
        yield f"redis://127.0.0.1:{port}", pid


def fill(kind: BrokerKind, address: str, topic: str, group: str, records: Sequence[Record]) -> None:
    """Create the topic with all records in it."""
    if kind == "redis":
        fill_redis(address, topic, group, records)
    else:
        asyncio.run(fill_kafka(address, topic, records))


def fill_redis(url: str, topic: str, group: str, records: Sequence[Record]) -> None:
    with Redis.from_url(url) as redis:
        for at in range(0, len(records), PIPELINE_RECORDS):
            pipe = redis.pipeline(transaction=False)
            for record in records[at : at + PIPELINE_RECORDS]:
                pipe.execute_command("XADD", topic, "*", FASTSTREAM_FIELD, record.value)
            pipe.execute()
        redis.xgroup_create(topic, group, "0")


async def fill_kafka(bootstrap: str, topic: str, records: Sequence[Record]) -> None:
    async with admin(KafkaAddress(bootstrap)) as client:
        await client.create_topics([NewTopic(topic, PARTITIONS, 1, topic_configs=RETENTION)])
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, max_batch_size=BATCH_BYTES)
    await producer.start()
    try:
        for partition in range(PARTITIONS):
            await _fill_partition(producer, topic, partition, [one for one in records if one.partition == partition])
    finally:
        await producer.stop()


async def _fill_partition(producer: AIOKafkaProducer, topic: str, partition: int, records: Sequence[Record]) -> None:
    batch = producer.create_batch()
    for record in records:
        if batch.append(key=record.key, value=record.value, timestamp=None) is None:
            await (await producer.send_batch(batch, topic, partition=partition))
            batch = producer.create_batch()
            batch.append(key=record.key, value=record.value, timestamp=None)
    if batch.record_count():
        await (await producer.send_batch(batch, topic, partition=partition))


async def forget(bootstrap: str, group: str) -> None:
    """Delete from a named Kafka all topics whose name contains the race's group name."""
    async with admin(KafkaAddress(bootstrap)) as client:
        left = [name for name in await client.list_topics() if group in name]
        if left:
            await client.delete_topics(left)


def records(topic: str, count: int, seed: int) -> list[Record]:
    """Return the events of a race."""
    return payload.records(topic, PARTITIONS, count, seed)
