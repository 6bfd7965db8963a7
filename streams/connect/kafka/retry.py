"""Retry work while Kafka or the log is away."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiokafka.errors import KafkaError
from faust_redis.log import LogError, RolledBackError, SourceMovedError

from streams import retry


async def retry_through_kafka_outages(work: Callable[[], Awaitable[None]], name: str) -> None:
    """Run work until it returns. Retry it with pauses while Kafka or the log is away or refuses."""
    away, refused = (KafkaError, LogError, OSError), (SourceMovedError, RolledBackError)
    await retry.retry_through_outages(work, name, away, refused=refused)
