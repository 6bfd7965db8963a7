"""Measure how long accepted commands take until their domain's tables show the effect.

The clock of a command starts when the API answers that it is accepted. It stops when the domain's group has committed
the command: from then on queries show the effect, and feeds send it. One poll serves all waiting commands, and none
runs while nothing waits. So a figure is up to `POLL_S` too high, never too low.

A batch counts once for each partition that it writes to, when its last command there is visible.

A command is counted as expected at once. So a domain that is down spoils the share of effects that are visible in time
while it is down, and not only when it is back.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping
from time import monotonic
from typing import Final, NamedTuple

from faust_redis.admin import Admin
from faust_redis.log import Log, LogError, TopicPartition

from api.kit.commands.writer import Written
from api.metrics import Metrics
from streams.topology import Topology

POLL_S: Final = 0.025
PATIENCE_S: Final = 120.0
"""An effect that takes longer counts with this time, and is waited for no more. It bounds the memory."""


class _Expected(NamedTuple):
    """The commands that a request wrote to a partition: the offset behind them, and when they were accepted.

    The time is of the monotonic clock, in seconds.
    """

    end: int
    accepted_s: float


class _Queue:
    """The commands of one partition that a domain has yet to process, in the order of their acceptance."""

    def __init__(self, group: str, tp: TopicPartition, domain: str, metrics: Metrics) -> None:
        self.group = group
        self.waiting: deque[_Expected] = deque()
        self._tp = tp
        self._expected = metrics.expected.labels(domain)
        self._metrics, self._domain = metrics, domain

    def add(self, end: int, accepted_s: float) -> None:
        """Note the commands of a request."""
        self.waiting.append(_Expected(end, accepted_s))
        self._expected.inc()

    def observe(self, committed: Mapping[TopicPartition, int], now_s: float) -> None:
        """Observe and forget the commands that are processed, or waited for too long."""
        done = committed.get(self._tp, 0)
        while self.waiting and (self.waiting[0].end <= done or now_s - self.waiting[0].accepted_s > PATIENCE_S):
            self._metrics.visible.labels(self._domain).observe(now_s - self.waiting.popleft().accepted_s)


class Effects:
    """Awaits the effects of the commands that this process accepted."""

    def __init__(self, log: Log, topology: Topology, app_id: str, metrics: Metrics) -> None:
        self._admin = Admin(log)
        self._groups = topology.groups(app_id)
        self._topology = topology
        self._metrics = metrics
        self._queues: dict[tuple[str, int], list[_Queue]] = {}
        """The queues of the domains that consume a topic, by topic and partition."""
        self._some = asyncio.Event()
        for domain in topology.domains:  # series that begin at 0, so that the first command counts
            metrics.expected.labels(domain.name)
            metrics.visible.labels(domain.name)

    def expect(self, written: Written) -> None:
        """Note that commands were accepted now."""
        now_s, topic = monotonic(), written.position.topic
        for partition, end in written.position.offsets.items():
            queues = self._queues.get((topic, partition))
            for queue in self._open(topic, partition) if queues is None else queues:
                queue.add(end, now_s)
        self._some.set()

    def _open(self, topic: str, partition: int) -> list[_Queue]:
        names = [domain.name for domain in self._topology.consumers(topic)]
        tp = TopicPartition(topic, partition)
        queues = [_Queue(self._groups[name], tp, name, self._metrics) for name in names]
        self._queues[topic, partition] = queues
        return queues

    async def run(self) -> None:
        """Poll while a command waits, until cancelled."""
        while True:
            await self._some.wait()
            await asyncio.sleep(POLL_S)
            try:
                await self._poll()
            except LogError:  # the broker watch logs it; the commands wait on
                continue
            if not self._waiting():
                self._some.clear()

    async def _poll(self) -> None:
        groups = {queue.group for queue in self._waiting()}
        committed, _ = await self._admin.committed_and_ends(groups, ())
        now_s = monotonic()
        for queue in self._waiting():
            if queue.group in committed:  # a command that came meanwhile waits for the next poll
                queue.observe(committed[queue.group], now_s)

    def _waiting(self) -> list[_Queue]:
        return [queue for queues in self._queues.values() for queue in queues if queue.waiting]
