"""Metrics of the clock process, read from the clock when they are scraped.

Source of the metric types: https://prometheus.io/docs/concepts/metric_types/
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from streams.clock import Clock
from streams.process_metrics import ProcessMetrics
from streams.spans import Spans

PREFIX: Final = "astra_clock"


class ClockMetrics(Collector):
    """The metrics of one clock."""

    def __init__(self, clock: Clock, spans: Spans | None = None) -> None:
        self._clock = clock
        self._registry = CollectorRegistry()
        self._registry.register(self)
        self.process = ProcessMetrics(self._registry, spans)

    def collect(self) -> Iterator[Metric]:
        """Yield the present values."""
        clock = self._clock
        yield _gauge("leads", "1 while this clock ticks, 0 while it waits.", int(clock.leads))
        yield _gauge("last_tick_timestamp_seconds", "The last tick in the log, in seconds since 1970.", clock.last)
        yield _gauge("behind_seconds", "How far the wall clock is behind the last tick.", clock.behind_s())
        yield CounterMetricFamily(f"{PREFIX}_ticks", "Ticks that this clock wrote.", value=clock.counts.ticks)
        refused = "Ticks that the log refused because another clock was first."
        yield CounterMetricFamily(f"{PREFIX}_refused", refused, value=clock.counts.refused)

    def text(self) -> bytes:
        """Return all metrics in Prometheus' text format."""
        return generate_latest(self._registry)


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"{PREFIX}_{name}", text, value=value)
