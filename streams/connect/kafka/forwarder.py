"""Forward records that the API appended to the log to the same partitions of Kafka: in order, at least once.

Each partition has one batch in flight. The forwarder sends the next batch only after Kafka acknowledged the one
before. So the first copies of all records are on Kafka in the order of the log, whatever fails. A second copy of a
record changes nothing, because agents count an event id once.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from aiokafka import AIOKafkaProducer
from aiokafka.structs import RecordMetadata
from faust_redis.log import (
    DamagedPartitionError,
    Log,
    Preconditions,
    StoredRecord,
    TopicPartition,
    TopicSpec,
    WriteBatch,
)

from streams.connect.kafka.address import KafkaAddress
from streams.connect.kafka.broker import ended, kafka_partition, partitions_of, reader
from streams.connect.kafka.errors import BridgeError
from streams.connect.kafka.milestones import Milestones

GROUP = "kafka-bridge"
READ_RECORDS_MAX = 500
READ_WAIT_MS = 1_000
BATCH_BYTES_MAX = 512 * 1024
REQUEST_BYTES_MAX = 4 * 1024 * 1024

logger = logging.getLogger(__name__)


class Forwarder:
    """A sink connector from the log to Kafka. It runs until it fails or is cancelled; `run` may be called again.

    Attributes:
        milestones: Pairs of corresponding offsets, by partition.
        damaged: Partitions that it skips until its next run, each with the error.
    """

    def __init__(self, log: Log, kafka: KafkaAddress, specs: Sequence[TopicSpec]) -> None:
        self.log = log
        self.kafka = kafka
        self.specs = specs
        self.milestones: dict[TopicPartition, Milestones] = {}
        self.damaged: dict[TopicPartition, DamagedPartitionError] = {}
        self._at: dict[TopicPartition, int] = {}

    async def run(self) -> None:
        """Forward until cancelled.

        Raises:
            RolledBackError: another forwarder runs as well, or the log went back to an earlier state.
            LogError, KafkaError: one of the two cannot be reached, or refuses.
        """
        for spec in self.specs:
            await self.log.create_topic(spec)
        await self._load_offsets()
        producer = AIOKafkaProducer(
            **self.kafka.client_options(),
            acks="all",
            max_batch_size=BATCH_BYTES_MAX,
            max_request_size=REQUEST_BYTES_MAX,
        )
        try:
            await producer.start()
            while True:
                await self._step(producer)
        finally:
            await ended(producer.stop())

    async def _load_offsets(self) -> None:
        """Read the committed offsets. All records below them are on Kafka now."""
        committed = await self.log.committed(GROUP)
        self.damaged.clear()
        self._at = {tp: committed.get(tp, 0) for tp in partitions_of(self.specs)}
        if new := {tp: 0 for tp in self._at if tp not in committed}:
            await self._commit(new, new)  # from now on the log keeps every record that is not forwarded
        async with reader(self.kafka) as consumer:
            ends = await consumer.end_offsets([kafka_partition(tp) for tp in self._at])
        self.milestones = {tp: Milestones(ends[kafka_partition(tp)], here) for tp, here in self._at.items()}

    async def _commit(self, offsets: dict[TopicPartition, int], expected: dict[TopicPartition, int]) -> None:
        preconditions = {tp: Preconditions(offset, "") for tp, offset in expected.items()}
        await self.log.commit(WriteBatch(offsets=offsets, preconditions=preconditions, group=GROUP))

    async def _step(self, producer: AIOKafkaProducer) -> None:
        found = await self._fetch()
        for tp, records in found.items():
            if records[0].offset != self._at[tp]:
                raise BridgeError(
                    f"{tp.topic}:{tp.partition} begins at offset {records[0].offset}, but was forwarded only up to "
                    f"{self._at[tp]}: commands were deleted before they reached Kafka. Look at what deletes them."
                )
        if not found:
            return
        sent = await asyncio.gather(*(self._send(producer, tp, records) for tp, records in found.items()))
        ends = dict(zip(found, sent, strict=True))
        offsets = {tp: records[-1].offset + 1 for tp, records in found.items()}
        await self._commit(offsets, {tp: self._at[tp] for tp in offsets})
        for tp, here in offsets.items():
            self._at[tp] = here
            self.milestones[tp].add(ends[tp], here)

    async def _fetch(self) -> dict[TopicPartition, list[StoredRecord]]:
        """Return the next records of each readable partition; skip a damaged partition from now on."""
        readable = {tp: at for tp, at in self._at.items() if tp not in self.damaged}
        if not readable:
            await asyncio.sleep(READ_WAIT_MS / 1000)
        fetched = await self.log.fetch_each(readable, count=READ_RECORDS_MAX, block_ms=READ_WAIT_MS)
        for tp, error in fetched.damaged.items():
            logger.error(
                "commands of %s:%d from offset %d wait, the bridge forwards the other partitions: %s",
                tp.topic, tp.partition, self._at[tp], error,
            )  # fmt: skip
            self.damaged[tp] = error
        return fetched.records

    async def _send(self, producer: AIOKafkaProducer, tp: TopicPartition, records: Sequence[StoredRecord]) -> int:
        """Send records of one partition, batch after batch. Return the offset on Kafka after the last."""
        end = 0
        waiting = list(reversed(records))
        while waiting:
            batch = producer.create_batch()
            count = 0
            while waiting and _append(batch, waiting[-1]):
                waiting.pop()
                count += 1
            if not count:
                raise BridgeError(f"a record of {tp.topic}:{tp.partition} does not fit into {BATCH_BYTES_MAX} bytes")
            batch.close()
            result: RecordMetadata = await (await producer.send_batch(batch, tp.topic, partition=tp.partition))
            end = result.offset + count
        return end


def _append(batch: object, record: StoredRecord) -> bool:
    """Add a record if there is room. Return whether it was added."""
    added = batch.append(  # type: ignore[attr-defined]
        key=record.key, value=record.value, timestamp=record.timestamp_ms, headers=list(record.headers)
    )
    return added is not None
