"""Copy topics of Kafka into topics of the same names in the log: records, snapshots and rankings, each once.

Each write carries the source offset of its partition. The log refuses a write whose source offset is not the stored
one. A killed copier therefore resumes where its last write ended, and two copiers never copy a record twice.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Mapping, Sequence

from aiokafka import AIOKafkaConsumer, ConsumerRecord
from aiokafka.errors import OffsetOutOfRangeError
from faust_redis.admin import Admin
from faust_redis.log import Log, Record, SourceOffsets, TopicPartition, TopicSpec, WriteBatch

from streams.connect.kafka.address import KafkaAddress
from streams.connect.kafka.broker import kafka_partition, partitions_of, reader
from streams.connect.kafka.errors import BridgeError
from streams.connect.kafka.milestones import Milestones

COPY = "kafka"
READ_RECORDS_MAX = 2_000
READ_WAIT_MS = 200
WRITE_RECORDS_MAX = 200  # bounds how long one call blocks the server, as a worker's commit does
WRITE_BYTES_MAX = 512 * 1024

logger = logging.getLogger(__name__)

Steps = dict[TopicPartition, tuple[int, int]]
Found = Mapping[TopicPartition, Sequence[ConsumerRecord]]


class Copier:
    """A source connector from Kafka to the log. It runs until it fails or is cancelled; `run` may be called again.

    Attributes:
        milestones: Pairs of corresponding offsets, by partition.
        positions: The Kafka offset below which each partition is copied.
        moved: Set when `positions` changes.
    """

    def __init__(self, log: Log, kafka: KafkaAddress, specs: Sequence[TopicSpec]) -> None:
        self.log = log
        self.kafka = kafka
        self.specs = specs
        self.milestones: dict[TopicPartition, Milestones] = {}
        self.positions: dict[TopicPartition, int] = {}
        self.moved = asyncio.Event()
        self._at: dict[TopicPartition, int] = {}

    async def run(self) -> None:
        """Copy until cancelled.

        Raises:
            SourceMovedError: another copier runs as well.
            BridgeError: the topics on Kafka are not those that were copied before.
            LogError, KafkaError: one of the two cannot be reached, or refuses.
        """
        for spec in self.specs:
            await self.log.create_topic(spec)
        await self._load_offsets()
        async with reader(self.kafka) as consumer:
            consumer.assign([kafka_partition(tp) for tp in self._at])
            for tp, offset in self._at.items():
                consumer.seek(kafka_partition(tp), offset)
            while True:
                await self._step(consumer)

    async def _load_offsets(self) -> None:
        """Read the source offsets and the log's end offsets as of one moment."""
        topics = [spec.name for spec in self.specs]
        source_offsets, ends = await Admin(self.log).source_offsets_and_ends(COPY, topics)
        here = {TopicPartition(topic, p): offset for topic, of_topic in ends.items() for p, offset in of_topic.items()}
        self._at = {tp: source_offsets.get(tp, 0) for tp in partitions_of(self.specs)}
        self.positions = dict(self._at)
        self.milestones = {tp: Milestones(offset, here.get(tp, 0)) for tp, offset in self._at.items()}

    async def _step(self, consumer: AIOKafkaConsumer) -> None:
        try:
            found = await consumer.getmany(timeout_ms=READ_WAIT_MS, max_records=READ_RECORDS_MAX)
        except OffsetOutOfRangeError as exc:
            await self._skip_deleted(consumer, {TopicPartition(*tp): offset for tp, offset in exc.args[0].items()})
            return
        for records, steps in self._portions({TopicPartition(*tp): records for tp, records in found.items()}):
            await self._write(records, steps)
        positions = {tp: await consumer.position(kafka_partition(tp)) for tp in self._at}
        if positions != self.positions:
            self.positions = positions
            self.moved.set()

    async def _write(self, records: list[Record], steps: Steps) -> None:
        appended = await self.log.commit(WriteBatch(records, source_offsets=SourceOffsets(COPY, steps)))
        here = {
            TopicPartition(record.topic, record.partition): offset + 1
            for record, offset in zip(records, appended.offsets, strict=True)
        }
        for tp, (_, there) in steps.items():
            self._at[tp] = there
            self.milestones[tp].add(there, here[tp])

    def _portions(self, found: Found) -> Iterator[tuple[list[Record], Steps]]:
        """Yield the fetched records in portions of bounded size, each with its source offsets before and after."""
        steps: Steps = {}
        records: list[Record] = []
        size = 0
        for tp, of_partition in found.items():
            for read in of_partition:
                if len(records) >= WRITE_RECORDS_MAX or size >= WRITE_BYTES_MAX:
                    yield records, steps
                    steps, records, size = {}, [], 0
                records.append(_record(tp, read))
                size += len(read.key or b"") + len(read.value or b"")
                begin, _ = steps.get(tp, (self._at[tp], 0))
                steps[tp] = (begin, read.offset + 1)
        if records:
            yield records, steps

    async def _skip_deleted(self, consumer: AIOKafkaConsumer, positions: Mapping[TopicPartition, int]) -> None:
        """Handle offsets that Kafka does not have: skip and log records that Kafka deleted, or refuse another log."""
        starts = await consumer.beginning_offsets([kafka_partition(tp) for tp in positions])
        for tp, offset in positions.items():
            start = starts[kafka_partition(tp)]
            if offset > start:
                raise BridgeError(
                    f"the views have copied {tp.topic}:{tp.partition} up to offset {offset}, which Kafka does not "
                    "have: the topic was re-created there or lost records. Stop the API and the workers, run "
                    "`astratrade reset` (it deletes the views and the workers' local state, not Kafka's topics), and "
                    "start again."
                )
            if offset:
                logger.warning(
                    "Kafka deleted %d records of %s:%d before they were copied; the views continue at offset %d",
                    start - offset, tp.topic, tp.partition, start,
                )  # fmt: skip
            consumer.seek(kafka_partition(tp), start)


def _record(tp: TopicPartition, read: ConsumerRecord) -> Record:
    headers = tuple((name, value or b"") for name, value in read.headers)
    return Record(tp.topic, tp.partition, read.key, read.value, read.timestamp, headers)
