"""Run the bridge: create topics on Kafka, forward commands, copy events back, and show the groups' progress."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from faust_redis.driver.tasks import cancel_and_wait
from faust_redis.log import Log, TopicPartition, TopicSpec
from faust_redis.log.errors import NamespaceTakenError
from faust_redis.log.trimming import TRIM_INTERVAL_S, trim_all

from streams.connect.kafka.address import KafkaAddress
from streams.connect.kafka.announcement import Announcement
from streams.connect.kafka.broker import create_topics
from streams.connect.kafka.copier import Copier
from streams.connect.kafka.errors import BridgeError
from streams.connect.kafka.forwarder import Forwarder
from streams.connect.kafka.milestones import Milestones
from streams.connect.kafka.progress import Progress
from streams.connect.kafka.retry import retry_through_kafka_outages


@dataclass(frozen=True, slots=True)
class Plan:
    """The topics that a bridge carries, and in which direction.

    Attributes:
        groups: The workers' groups on Kafka and the topics that each processes. The bridge shows their progress.
        forwarded: Topics that clients write to: from the log to Kafka.
        copied: All other topics: from Kafka to the log.
    """

    groups: Mapping[str, Sequence[str]]
    forwarded: Sequence[TopicSpec]
    copied: Sequence[TopicSpec]


class Bridge:
    """A service that carries records until it is cancelled. It waits while Kafka or the log is away, then resumes."""

    def __init__(self, log: Log, kafka: KafkaAddress, plan: Plan) -> None:
        self.log = log
        self.kafka = kafka
        self.plan = plan
        self.copier = Copier(log, kafka, plan.copied)
        self.forwarder = Forwarder(log, kafka, plan.forwarded)
        self.announcement = Announcement(log, self.forwarder.damaged.values)
        self.progress = Progress(log, kafka, plan.groups, copier=self.copier, milestones=self._milestones)

    async def run(self) -> None:
        """Carry records until cancelled.

        Raises:
            BridgeError: Kafka and the views do not belong together, the views belong to another application, or a topic
                cannot be created as declared.
        """
        await retry_through_kafka_outages(self._check_log, "the bridge")
        specs = [*self.plan.forwarded, *self.plan.copied]
        await retry_through_kafka_outages(lambda: create_topics(self.kafka, specs), "the bridge")
        parts = [
            asyncio.create_task(retry_through_kafka_outages(self._trim, "trimming the views")),
            asyncio.create_task(retry_through_kafka_outages(self.announcement.run, "announcing the bridge")),
            asyncio.create_task(retry_through_kafka_outages(self.copier.run, "copying from Kafka")),
            asyncio.create_task(retry_through_kafka_outages(self.forwarder.run, "forwarding to Kafka")),
            asyncio.create_task(retry_through_kafka_outages(self.progress.run, "showing the groups' progress")),
        ]
        try:
            await asyncio.gather(*parts)
        finally:
            await asyncio.gather(*map(cancel_and_wait, parts))

    async def _check_log(self) -> None:
        try:
            await self.log.check()
        except NamespaceTakenError as exc:
            raise BridgeError(str(exc)) from exc

    async def _trim(self) -> None:
        """Remove records past their retention from the log. On Redis the leader of the workers does this."""
        while True:
            for shard in self.log.shards:  # each also has transit topics of its own
                await trim_all(shard)
            await asyncio.sleep(TRIM_INTERVAL_S)

    def _milestones(self) -> Mapping[TopicPartition, Milestones]:
        return {**self.copier.milestones, **self.forwarder.milestones}
