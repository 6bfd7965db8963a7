"""The metrics that every process has: memory, CPU time and files, the delay of its event loops, and dropped spans."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from typing import Final

from prometheus_client import CollectorRegistry, Histogram, ProcessCollector, disable_created_metrics
from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector

from streams.spans import Spans

MAIN: Final = "main"
"""The event loop of the main thread."""
EVERY_S: Final = 0.25
"""How often an event loop is measured."""
DELAY_BUCKETS_S: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5)

Observe = Callable[[float], object]
"""Takes the delay of an event loop, in seconds."""

disable_created_metrics()  # type: ignore[no-untyped-call]  # they double the series, and nothing reads them


class ProcessMetrics(Collector):
    """The metrics of one process that do not depend on what it does."""

    def __init__(self, registry: CollectorRegistry, spans: Spans | None = None) -> None:
        """Add the metrics to a registry; `spans` is None in a process without traces."""
        self._spans = spans
        self._delays = Histogram(
            "astra_event_loop_delay_seconds",
            "How much later than due an event loop runs a task",
            ("loop",),
            buckets=DELAY_BUCKETS_S,
            registry=registry,
        )
        registry.register(self)
        ProcessCollector(registry=registry)

    def collect(self) -> Iterator[Metric]:
        """Yield the present values."""
        text = "Spans dropped because too many waited or the collector did not take them"
        dropped = 0 if self._spans is None else self._spans.dropped
        yield CounterMetricFamily("astra_trace_spans_dropped", text, value=dropped)

    def of_loop(self, name: str) -> Observe:
        """Return what observes the delay of an event loop."""
        return self._delays.labels(name).observe


async def watch_loop(observe: Observe) -> None:
    """Observe four times a second how much later than due the running event loop runs this task, until cancelled."""
    while True:
        due_s = time.monotonic() + EVERY_S
        await asyncio.sleep(EVERY_S)
        observe(max(0.0, time.monotonic() - due_s))
