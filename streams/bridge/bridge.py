"""The bridge as a whole: topics made on Kafka, then commands sent on, events copied back, progress shown; for ever."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from streams.bridge.copier import Copier
from streams.bridge.forwarder import Forwarder
from streams.bridge.kafka import create_topics
from streams.bridge.milestones import Milestones
from streams.bridge.progress import Progress
from streams.bridge.retry import persist
from streams.log import Log, TopicPartition, TopicSpec
from streams.log.trimming import TRIM_INTERVAL_S, trim_all


@dataclass(frozen=True, slots=True)
class Plan:
    """What a bridge carries.

    Attributes:
        group: The workers' group on Kafka, whose progress is shown.
        consumed: Topics that the group processes.
        forwarded: Topics that clients write to: from the log to Kafka.
        copied: All others: from Kafka to the log.
    """

    group: str
    consumed: Sequence[str]
    forwarded: Sequence[TopicSpec]
    copied: Sequence[TopicSpec]


class Bridge:
    """Carries until cancelled. It waits for a Kafka or a log that is away, and goes on where it was."""

    def __init__(self, log: Log, bootstrap: str, plan: Plan) -> None:
        self.log = log
        self.bootstrap = bootstrap
        self.plan = plan
        self.copier = Copier(log, bootstrap, plan.copied)
        self.forwarder = Forwarder(log, bootstrap, plan.forwarded)
        self.progress = Progress(
            log,
            bootstrap,
            plan.group,
            copier=self.copier,
            milestones=self._milestones,
            consumed=plan.consumed,
        )

    async def run(self) -> None:
        """Carry until cancelled.

        Raises:
            BridgeError: Kafka and the views do not belong together; or a topic cannot be had as it is declared.
        """
        specs = [*self.plan.forwarded, *self.plan.copied]
        await persist(lambda: create_topics(self.bootstrap, specs), "the bridge", once=True)
        parts = [
            asyncio.create_task(persist(self._trim, "trimming the views")),
            asyncio.create_task(persist(self.copier.run, "copying from Kafka")),
            asyncio.create_task(persist(self.forwarder.run, "forwarding to Kafka")),
            asyncio.create_task(persist(self.progress.run, "showing the group's progress")),
        ]
        try:
            await asyncio.gather(*parts)
        finally:
            for part in parts:
                part.cancel()
            await asyncio.gather(*parts, return_exceptions=True)

    async def _trim(self) -> None:
        """Remove from the log what is past its retention; on Redis the leader of the workers does that."""
        while True:
            await trim_all(self.log)
            await asyncio.sleep(TRIM_INTERVAL_S)

    def _milestones(self) -> Mapping[TopicPartition, Milestones]:
        return {**self.copier.milestones, **self.forwarder.milestones}
