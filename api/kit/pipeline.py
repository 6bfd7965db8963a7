"""The pipeline as the broker knows it: each domain's group, its members, and how far it is behind."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from faust_redis.admin import Admin, GroupDescription
from faust_redis.log import Log, LogError, TopicPartition, UnknownTopicError
from faust_redis.log.transit import transit_group, transit_topic

from api.kit.lag_history import NONE, Delay, LagHistory
from api.kit.rates import Rates
from streams.topology import Topology

SAMPLE_EVERY_S = 1.0
SAMPLE_DELAYED_EVERY_S = 0.2
"""While a domain is delayed, so that its commands are accepted again soon after it is back."""
WRITTEN = ""
"""Stands beside a topic for all who append to it, where else the name of a domain that processes it stands."""


@dataclass(frozen=True, slots=True)
class DomainState:
    """One domain at one moment.

    Attributes:
        lag: Records still to be processed, of each partition that the domain consumes.
        delays: How long the oldest of them has waited, of each partition in which some wait.
        rates: Records a second that the domain processed, of each topic that it consumes; None when that is unknown.
    """

    domain: str
    group: GroupDescription
    lag: Mapping[TopicPartition, int]
    delays: Mapping[TopicPartition, Delay]
    rates: Mapping[str, float | None]

    @property
    def delay(self) -> Delay:
        """Return how long the oldest of all unprocessed records has waited."""
        return max(self.delays.values(), default=NONE)

    @property
    def records(self) -> int:
        """Return how many records are still to be processed."""
        return sum(self.lag.values())

    @property
    def workers(self) -> int:
        """Return how many workers of the domain hold a lease."""
        return len(self.group.members)

    @property
    def behind_s(self) -> float:
        """Return how long the oldest unprocessed record has waited, in seconds."""
        return self.delay.seconds


class Watcher(Protocol):
    """Judges each sample of the pipeline."""

    @property
    def some_delayed(self) -> bool:
        """Return whether the next sample is wanted soon."""

    def note(self, sample: Sequence[DomainState]) -> None:
        """Judge a sample; an empty one says that the broker did not answer."""


class Pipeline:
    """Looks at the groups of all domains and at the ends of their topics, once a second and when asked.

    Attributes:
        ends: The end of each partition that a domain consumes or produces, as of the last look.

    Methods raise `LogUnavailableError` when the broker cannot be reached.
    """

    def __init__(self, log: Log, topology: Topology, app_id: str, watcher: Watcher) -> None:
        self._log = log
        self._admin = Admin(log)
        self._topology = topology
        self._groups = topology.groups(app_id)
        self._topics = sorted({topic for each in topology.domains for topic in (*each.consumes, *each.produces)})
        shards = len(log.shards)
        self._transits: dict[str, tuple[str, ...]] = {
            domain: tuple(transit_topic(group, number) for number in range(shards) if shards > 1)
            for domain, group in self._groups.items()
        }
        """What each domain sends to other shards waits in these topics. It counts as the domain's to process."""
        self._history = LagHistory()
        self._rates: Rates[tuple[str, str]] = Rates()
        self.ends: Mapping[TopicPartition, int] = {}
        self._watcher = watcher

    async def run(self) -> None:
        """Sample until cancelled. A broker that is away leaves a gap in the samples."""
        while True:
            try:
                await self.look()
            except LogError:  # the broker watch logs it
                self._watcher.note(())
            await asyncio.sleep(SAMPLE_DELAYED_EVERY_S if self._watcher.some_delayed else SAMPLE_EVERY_S)

    async def look(self) -> list[DomainState]:
        """Return all domains, in the topology's order."""
        groups = await self._admin.describe_groups(list(self._groups.values()))
        groups = await self._with_transits(groups)
        ends, now_ms = await self._ends()  # after the offsets, so that none lies above its end
        self._rates.add(self._counts(groups, ends), now_ms)
        states = [self._state(domain, group, ends, now_ms) for domain, group in zip(self._groups, groups, strict=True)]
        self._watcher.note(states)
        return states

    async def _with_transits(self, groups: Sequence[GroupDescription]) -> list[GroupDescription]:
        """Return the groups with the offsets up to which their records for other shards are forwarded."""
        if len(self._log.shards) == 1:
            return list(groups)
        names = [transit_group(group.name) for group in groups]
        committed, _ = await self._admin.committed_and_ends(names, ())
        return [
            replace(group, committed={**group.committed, **committed[name]})
            for group, name in zip(groups, names, strict=True)
        ]

    def topics(self) -> dict[str, tuple[int, float | None]]:
        """Return how many records each topic got, and how many a second lately (None: unknown), as of the last look."""
        events = dict.fromkeys(self._topics, 0)
        for tp, end in self.ends.items():
            if tp.topic in events:
                events[tp.topic] += end
        return {topic: (count, self._rates.per_second((WRITTEN, topic))) for topic, count in events.items()}

    def _counts(
        self, groups: Sequence[GroupDescription], ends: Mapping[TopicPartition, int]
    ) -> dict[tuple[str, str], int]:
        """Return how many records each topic got, and how many of them each domain has processed."""
        counts: Counter[tuple[str, str]] = Counter()
        for tp, end in ends.items():
            counts[WRITTEN, tp.topic] += end
        for domain, group in zip(self._groups, groups, strict=True):
            for tp, offset in group.committed.items():
                counts[domain, tp.topic] += offset
        return counts

    def _state(
        self, domain: str, group: GroupDescription, ends: Mapping[TopicPartition, int], now_ms: int
    ) -> DomainState:
        consumed = self._topology.domain(domain).consumes
        committed, waiting = group.committed, {*consumed, *self._transits[domain]}
        consumed_ends = {tp: end for tp, end in ends.items() if tp.topic in waiting}
        lag = {tp: max(0, end - committed.get(tp, 0)) for tp, end in consumed_ends.items()}
        delays = {tp: self._history.delay(tp, committed.get(tp, 0), now_ms) for tp, behind in lag.items() if behind}
        rates = {topic: self._rates.per_second((domain, topic)) for topic in consumed}
        return DomainState(domain, group, lag, delays, rates)

    async def _ends(self) -> tuple[dict[TopicPartition, int], int]:
        """Read the end of each partition, with the server's time before that, and keep them as a sample."""
        [(seconds, micros)] = await self._log.at_once(("TIME",))
        transits = [topic for topics in self._transits.values() for topic in topics]
        _, found = await self._admin.committed_and_ends((), [*self._topics, *transits])
        now_ms = seconds * 1_000 + micros // 1_000
        ends: dict[TopicPartition, int] = {}
        for topic in self._topics:
            known = found[topic]
            ends.update({TopicPartition(topic, p): known.get(p, 0) for p in range(await self._partitions(topic))})
        ends.update({TopicPartition(topic, p): end for topic in transits for p, end in found[topic].items()})
        self._history.add(ends, now_ms)
        self.ends = ends
        return ends, now_ms

    async def _partitions(self, topic: str) -> int:
        try:
            return (await self._log.topic(topic)).spec.partitions
        except UnknownTopicError:
            return 0
