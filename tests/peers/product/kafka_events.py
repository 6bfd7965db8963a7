"""Read the events that a contestant has sent to a Kafka topic, committed ones only."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
from aiokafka import AIOKafkaConsumer

READ_S = 60.0
FETCH_MS = 500
BATCH = 5_000

Events = list[tuple[str, dict[str, Any]]]


def events(bootstrap: str, topic: str) -> Events:
    """Return type and data of all events in a topic.

    Raises:
        TimeoutError: when the broker does not give the records up to the ends that it states.
    """
    return asyncio.run(asyncio.wait_for(_events(bootstrap, topic), READ_S))


async def _events(bootstrap: str, topic: str) -> Events:
    consumer = AIOKafkaConsumer(
        topic, bootstrap_servers=bootstrap, isolation_level="read_committed", auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        ends = await consumer.end_offsets(list(consumer.assignment()))
        found: Events = []
        while [place for place, end in ends.items() if await consumer.position(place) < end]:
            batches = await consumer.getmany(timeout_ms=FETCH_MS, max_records=BATCH)
            decoded = [orjson.loads(record.value) for batch in batches.values() for record in batch]
            found += [(event["type"], event["data"]) for event in decoded]
        return found
    finally:
        await consumer.stop()
