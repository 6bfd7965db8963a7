"""Show the committed offsets of the workers' groups on Kafka in the log, as if they had committed there.

The bridge shows a committed offset after it has copied all outputs of the records below it. A worker's outputs are on
Kafka before its commit. So it suffices to copy everything that is on Kafka when the bridge sees the commit. Readers
that wait for a command (`?after=`) or show lag therefore read the same as on Redis.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence

from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient
from faust_redis.log import Log, Preconditions, RolledBackError, TopicPartition, WriteBatch

from streams.connect.kafka.address import KafkaAddress
from streams.connect.kafka.broker import admin, kafka_partition, reader
from streams.connect.kafka.copier import Copier
from streams.connect.kafka.milestones import Milestones

LOOK_S = 0.1  # pause between two look-ups of the group's offsets while the group has lag
COPY_PATIENCE_S = 5.0

Offsets = dict[TopicPartition, int]


class Progress:
    """Follows the offsets of all groups. `run` may be called again after it raised."""

    def __init__(
        self,
        log: Log,
        kafka: KafkaAddress,
        groups: Mapping[str, Sequence[str]],
        *,
        copier: Copier,
        milestones: Callable[[], Mapping[TopicPartition, Milestones]],
    ) -> None:
        self.log = log
        self.kafka = kafka
        self.groups = {group: frozenset(consumed) for group, consumed in groups.items()}
        self.copier = copier
        self._milestones = milestones

    async def run(self) -> None:
        """Follow the groups until cancelled.

        Raises:
            LogError, KafkaError: one of the two cannot be reached.
        """
        async with admin(self.kafka) as client, reader(self.kafka) as consumer:
            while True:
                for group in self.groups:
                    await self._look(group, client, consumer)
                await asyncio.sleep(LOOK_S)

    async def _look(self, group: str, client: AIOKafkaAdminClient, consumer: AIOKafkaConsumer) -> None:
        shown = await self.log.committed(group)
        marks = {tp: mark for tp, mark in self._milestones().items() if tp.topic in self.groups[group]}
        behind = [tp for tp, mark in marks.items() if mark.last > shown.get(tp, 0)]
        if not behind:
            return
        committed = await client.list_consumer_group_offsets(group, partitions=[kafka_partition(tp) for tp in behind])
        offsets: Offsets = {}
        for place, at in committed.items():
            tp = TopicPartition(*place)
            here = marks[tp].log_offset(at.offset)
            if here is not None and here > shown.get(tp, 0):
                offsets[tp] = here
        if offsets and await self._copied(consumer):
            await self._show(group, offsets, shown)

    async def _copied(self, consumer: AIOKafkaConsumer) -> bool:
        """Wait until the copier has all records that are on Kafka now. Return whether it was in time."""
        if not self.copier.positions:
            return False  # the copier has not begun
        kafka_ends = await consumer.end_offsets([kafka_partition(tp) for tp in self.copier.positions])
        ends = {TopicPartition(*tp): end for tp, end in kafka_ends.items()}
        try:
            async with asyncio.timeout(COPY_PATIENCE_S):
                while any(self.copier.positions.get(tp, 0) < end for tp, end in ends.items()):
                    self.copier.moved.clear()
                    await self.copier.moved.wait()
        except TimeoutError:
            return False
        return True

    async def _show(self, group: str, offsets: Offsets, shown: Mapping[TopicPartition, int]) -> None:
        preconditions = {tp: Preconditions(shown.get(tp, 0), "") for tp in offsets}
        try:
            await self.log.commit(WriteBatch(offsets=offsets, preconditions=preconditions, group=group))
        except RolledBackError:
            return  # another bridge wrote the offsets meanwhile
