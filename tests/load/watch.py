"""Watch the log during a step: when each group committed what, and for how long its oldest record waited.

The watch reads ends and committed offsets in one moment, each `LOOK_S`. So all its times are exact to about that.
It judges by its own clock, and by none of the product's metrics.
"""

from __future__ import annotations

import asyncio
import time
from bisect import bisect_right
from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Self

from faust_redis.log import Log

from tables.domains import TOPOLOGY
from tests.community.servers.quiet import APP_ID

LOOK_S = 0.02

Place = tuple[str, int]
"""A topic and a partition."""


class Timeline:
    """The growth of a number, such as a committed offset: when it was first seen at each value."""

    def __init__(self) -> None:
        self.times: list[float] = []
        self.values: list[int] = []

    def note(self, at_s: float, value: int) -> None:
        """Note the value at a moment."""
        if not self.values or value > self.values[-1]:
            self.times.append(at_s)
            self.values.append(value)

    def passed(self, offset: int) -> float | None:
        """Return when the number was first seen above an offset, or None."""
        index = bisect_right(self.values, offset)
        return self.times[index] if index < len(self.times) else None


class Waiting:
    """The age of the oldest record of one partition that one group has not committed."""

    def __init__(self) -> None:
        self._ends: deque[tuple[float, int]] = deque()
        self._last = 0

    def age_s(self, at_s: float, end: int, committed: int) -> float:
        """Return the age at a moment: the time since the end was first seen above the committed offset."""
        if end > self._last:
            self._ends.append((at_s, end))
            self._last = end
        while self._ends and self._ends[0][1] <= committed:
            self._ends.popleft()
        return at_s - self._ends[0][0] if self._ends else 0.0


class Watch:
    """Watches all groups while it is entered.

    Attributes:
        committed: By domain and partition of a topic: the timeline of the committed offset.
        behind: By domain: the seconds that its oldest record has waited, with the moment of each look.
    """

    def __init__(self, log: Log) -> None:
        self.committed: dict[tuple[str, Place], Timeline] = defaultdict(Timeline)
        self.behind: dict[str, list[tuple[float, float]]] = defaultdict(list)
        self._log = log
        self._waiting: dict[tuple[str, Place], Waiting] = defaultdict(Waiting)
        self._topics = sorted({topic for name in TOPOLOGY.names for topic in TOPOLOGY.domain(name).consumes})
        self._task: asyncio.Task[None]

    async def __aenter__(self) -> Self:
        await self.look()
        self._task = asyncio.create_task(self._run())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task
        await self.look()

    def visible_s(self, domain: str, place: Place, offset: int) -> float | None:
        """Return when a domain was first seen to have committed a record, or None."""
        return self.committed[domain, place].passed(offset)

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            await self.look()

    async def look(self) -> None:
        """Note where everything stands."""
        keys = self._log.keys
        replies = await self._log.at_once(
            *(("HGETALL", keys.ends(topic)) for topic in self._topics),
            *(("HGETALL", keys.offsets(TOPOLOGY.group(APP_ID, name))) for name in TOPOLOGY.names),
        )
        self.note(time.monotonic(), replies[: len(self._topics)], replies[len(self._topics) :])

    def note(
        self, now: float, ends: Sequence[Mapping[bytes, bytes]], committed: Sequence[Mapping[bytes, bytes]]
    ) -> None:
        """Note the ends of each topic and the committed offsets of each domain at a moment."""
        by_topic = dict(zip(self._topics, ends, strict=True))
        for name, offsets in zip(TOPOLOGY.names, committed, strict=True):
            oldest_s = 0.0
            for topic in TOPOLOGY.domain(name).consumes:
                for partition, end in by_topic[topic].items():
                    done = int(offsets.get(topic.encode() + b":" + partition, 0))
                    place = topic, int(partition)
                    self.committed[name, place].note(now, done)
                    oldest_s = max(oldest_s, self._waiting[name, place].age_s(now, int(end), done))
            self.behind[name].append((now, oldest_s))
