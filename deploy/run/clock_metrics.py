"""Metrics of the clock process, read from the clock when they are scraped."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from prometheus_client.core import Metric

from deploy.run.service_metrics import ServiceMetrics
from streams.clock import Clock
from streams.spans import Spans


class ClockMetrics(ServiceMetrics):
    """The metrics of one clock."""

    prefix: ClassVar[str] = "astra_clock"

    def __init__(self, clock: Clock, spans: Spans | None = None) -> None:
        super().__init__(spans)
        self._clock = clock

    def collect(self) -> Iterator[Metric]:
        """Yield the present values."""
        clock = self._clock
        yield self.gauge("leads", "1 while this clock ticks, 0 while it waits.", int(clock.leads))
        yield self.gauge("last_tick_timestamp_seconds", "The last tick in the log, in seconds since 1970.", clock.last)
        yield self.gauge("behind_seconds", "How far the wall clock is behind the last tick.", clock.behind_s())
        yield self.counter("ticks", "Ticks that this clock wrote.", clock.counts.ticks)
        refused = "Ticks that the log refused because another clock was first."
        yield self.counter("refused", refused, clock.counts.refused)
