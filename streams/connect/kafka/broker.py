"""Topics and end offsets of a Kafka, for the bridge and the workers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Iterable, Sequence
from contextlib import asynccontextmanager, suppress

from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaConnectionError, KafkaError, TopicAlreadyExistsError, for_code
from aiokafka.structs import TopicPartition as KafkaPartition
from faust_redis.log import TopicPartition, TopicSpec

from streams.connect.kafka.address import KafkaAddress
from streams.connect.kafka.errors import BridgeError

BROKERS_CHOICE = -1  # Kafka's code for the broker's default replication factor
KEEP_FOR_EVER = -1
SEEN_WITHIN_S = 10.0
SEEN_POLL_S = 0.05


def kafka_partition(tp: TopicPartition) -> KafkaPartition:
    """Return a partition in aiokafka's type."""
    return KafkaPartition(tp.topic, tp.partition)


def partitions_of(specs: Iterable[TopicSpec]) -> list[TopicPartition]:
    """Return all partitions of some topics."""
    return [TopicPartition(spec.name, p) for spec in specs for p in range(spec.partitions)]


@asynccontextmanager
async def admin(kafka: KafkaAddress) -> AsyncIterator[AIOKafkaAdminClient]:
    """Provide a client for topics and groups.

    Raises:
        KafkaConnectionError: when Kafka cannot be reached.
    """
    client = AIOKafkaAdminClient(**kafka.client_options())
    try:
        await client.start()
        yield client
    finally:
        await ended(client.close())


async def ended(closing: Awaitable[None]) -> None:
    """Wait until a client of Kafka has ended.

    A client cancels its own tasks, and confuses their cancellation with that of its caller. It lets the cancellation
    of a task that has not begun escape: the bridge would end without a message. It keeps a cancellation of the caller
    that arrives while it waits for a task: the bridge would go on.

    Raises:
        CancelledError: the caller was cancelled.
    """
    with suppress(asyncio.CancelledError):
        await closing
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


@asynccontextmanager
async def reader(kafka: KafkaAddress) -> AsyncIterator[AIOKafkaConsumer]:
    """Provide a consumer without a group. It reads committed records from the offsets that the caller sets.

    Raises:
        KafkaConnectionError: when Kafka cannot be reached.
    """
    consumer = AIOKafkaConsumer(
        **kafka.client_options(),
        enable_auto_commit=False,
        auto_offset_reset="none",
        isolation_level="read_committed",
    )
    try:
        await consumer.start()
        yield consumer
    finally:
        await ended(consumer.stop())


async def check(kafka: KafkaAddress) -> None:
    """Refuse a Kafka that does not answer.

    Raises:
        BridgeError: with the address.
    """
    try:
        async with admin(kafka):
            pass
    except KafkaError as exc:
        raise BridgeError(f"no answer from Kafka at {kafka.bootstrap}: {exc}") from exc


async def create_topics(kafka: KafkaAddress, specs: Sequence[TopicSpec]) -> None:
    """Create the missing topics, each with the broker's default replication factor.

    Raises:
        BridgeError: when a topic exists with another number of partitions, or Kafka refuses to create it.
        KafkaError: when Kafka cannot be reached.
    """
    async with admin(kafka) as client:
        response = await client.create_topics([_new_topic(spec) for spec in specs])
        for name, code, message in response.topic_errors:
            if code not in {0, TopicAlreadyExistsError.errno}:
                raise BridgeError(f"Kafka does not create topic {name!r}: {message or for_code(code).__name__}")
        found = await _partition_counts(client, specs)
    for spec in specs:
        if found[spec.name] != spec.partitions:
            raise BridgeError(
                f"topic {spec.name!r} has {found[spec.name]} partitions on Kafka, {spec.partitions} were declared; "
                "set ASTRA_PARTITIONS to what it has, or use another ASTRA_APP_ID and delete the topic"
            )


async def _partition_counts(client: AIOKafkaAdminClient, specs: Sequence[TopicSpec]) -> dict[str, int]:
    """Return the partition count of each topic. Wait until the brokers know all of them after their creation."""
    names = [spec.name for spec in specs]
    deadline = asyncio.get_running_loop().time() + SEEN_WITHIN_S
    while True:
        found = {topic["topic"]: len(topic["partitions"]) for topic in await client.describe_topics(names)}
        if all(found.get(name) for name in names):
            return found
        if asyncio.get_running_loop().time() > deadline:
            raise KafkaConnectionError(f"not all of the topics can be seen {SEEN_WITHIN_S:.0f} s after their creation")
        await asyncio.sleep(SEEN_POLL_S)


def _new_topic(spec: TopicSpec) -> NewTopic:
    """Return the declaration of a topic for Kafka.

    Records of a topic with a retention carry the time of their appending. Kafka's retention goes by a record's time
    and would delete a replay of old events at once. The event time is inside the record.
    """
    config: dict[str, str] = {"cleanup.policy": spec.cleanup, "retention.ms": str(spec.retention_ms or KEEP_FOR_EVER)}
    if spec.cleanup != "compact" and spec.retention_ms:
        config["message.timestamp.type"] = "LogAppendTime"
    return NewTopic(spec.name, spec.partitions, BROKERS_CHOICE, {}, config)
