"""Tick the wall clock into every partition of the clock's topic, once a second, from one leader.

Each write carries the tick that it must find as the last one in the log. So two clocks never write a second twice, and
no tick is older than the one before it, although wall clocks differ and may be set back. After a pause the clock ticks
the present second, and leaves out the seconds of the pause.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from faust_redis.log import Log, Record, SourceMovedError, SourceOffsets, TopicPartition, TopicSpec, WriteBatch

from streams.events import AnyEvent, encode
from streams.events.clock import KEY, ticked
from streams.spans import MESSAGE_COUNT, Kind, Span, Spans, of_event
from streams.times import SECOND_US, Instant
from streams.trace_context import span_of

SOURCE: Final = "clock"
"""The name under which the log keeps the last tick, in seconds since 1970."""
WALL: Final = TopicPartition("wall", 0)
TAKEOVER_S: Final = 3.0
"""A clock that waits becomes the leader when no tick was written for so long."""
WORKS_S: Final = 3.0
"""A clock that works reaches the log more often than this."""
BEHIND_S_MAX: Final = 5
"""A leader whose wall clock is further behind the last tick than this is not ready."""

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class ClockCounts:
    """Counts since the clock's start.

    Attributes:
        ticks: Ticks that this clock wrote.
        refused: Ticks that the log refused, because another clock was first.
        reached_s: When the clock last reached the log, by the monotonic clock; -inf for never.
    """

    ticks: int = 0
    refused: int = 0
    reached_s: float = -math.inf


class Clock:
    """One clock of an installation. Of several, one leads and the others wait."""

    def __init__(
        self,
        log: Log,
        spec: TopicSpec,
        now: Callable[[], Instant],
        monotonic: Callable[[], float] = time.monotonic,
        *,
        spans: Spans | None = None,
    ) -> None:
        """Create a clock.

        Args:
            log: The log.
            spec: The declaration of the clock's topic, which the clock creates.
            now: The wall clock.
            monotonic: Seconds that never go back.
            spans: Where the process records its spans; None without traces.
        """
        self.counts = ClockCounts()
        self.leads = False
        self.last = 0
        """The second of the last tick in the log, as this clock knows it; 0 before the first."""
        self._log = log
        self._spec = spec
        self._now = now
        self._monotonic = monotonic
        self._spans = spans
        self._moved_s = -math.inf
        """When this clock last saw the last tick change."""

    async def run(self) -> None:
        """Tick until cancelled. May be called again after it raised.

        Raises:
            LogError: the log cannot be reached, or refuses.
        """
        await self.open()
        while True:
            await self.step()
            await asyncio.sleep((SECOND_US - self._now() % SECOND_US) / SECOND_US)

    async def open(self) -> None:
        """Create the topic, see how many partitions it has, and read the last tick."""
        await self._log.check()
        self._spec = (await self._log.declare_topic(self._spec)).spec
        await self._look()

    async def step(self) -> None:
        """Tick if this clock leads and a new second has begun. If it waits, see whether the leader still ticks."""
        if not self.leads:
            await self._look()
            if self.last and self._monotonic() - self._moved_s < TAKEOVER_S:
                return
            logger.info("this clock leads from now on, after the tick of second %d", self.last)
        await self.lead()

    async def lead(self) -> None:
        """Tick the present second unless the log has it, and lead from now on."""
        self.leads = True
        second = self._now() // SECOND_US
        if second > self.last:
            await self._tick(second)
        else:
            self.counts.reached_s = self._monotonic()

    def behind_s(self) -> int:
        """Return how many seconds the wall clock is behind the last tick."""
        return max(0, self.last - self._now() // SECOND_US)

    @property
    def trouble(self) -> str | None:
        """Return why this clock does not do its work, or None."""
        if self._monotonic() - self.counts.reached_s >= WORKS_S:
            return "the clock does not reach the log"
        if self.leads and self.behind_s() > BEHIND_S_MAX:
            return f"the wall clock is {self.behind_s()} s behind the last tick, and the clock waits for it"
        return None

    async def _look(self) -> None:
        last = (await self._log.source_offsets(SOURCE)).get(WALL, 0)
        if last != self.last:
            self.last, self._moved_s = last, self._monotonic()
        self.counts.reached_s = self._monotonic()

    async def _tick(self, second: int) -> None:
        time, partitions = Instant(second * SECOND_US), self._spec.partitions
        spans = self._spans if self._spans is not None and self._spans.samples() else None
        began_ns = 0 if spans is None else spans.now_ns()
        events = [
            ticked(time, partition=number, partitions=partitions, traced=spans is not None)
            for number in range(partitions)
        ]
        records = [
            Record(self._spec.name, number, KEY.encode(), encode(event), time.milliseconds())
            for number, event in enumerate(events)
        ]
        step = SourceOffsets(SOURCE, {WALL: (self.last, second)})
        try:
            await self._log.commit(WriteBatch(records, source_offsets=step))
        except SourceMovedError:
            logger.info("another clock ticks; this one waits")
            self.counts.refused += 1
            self.leads = False
            await self._look()
            return
        if spans is not None:
            _record(spans, events, began_ns)
        self.counts.ticks += 1
        self.last, self._moved_s = second, self._monotonic()
        self.counts.reached_s = self._monotonic()


def _record(spans: Spans, ticks: Sequence[AnyEvent], began_ns: int) -> None:
    """Record the sending of a tick to all partitions, as the root of its trace. The tick has one id in all of them."""
    tick = ticks[0]
    attributes = of_event("send", tick.data.topic, tick.id) | {MESSAGE_COUNT: len(ticks)}
    ref = span_of(tick.traceparent or "")
    spans.add(Span(f"send {tick.data.topic}", Kind.PRODUCER, ref, "", began_ns, spans.now_ns(), attributes))
