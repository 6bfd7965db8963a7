"""Metrics of the relay process, read from the relay when they are scraped.

Source of the metric types: https://prometheus.io/docs/concepts/metric_types/
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from streams.connect.outbox.service import RelayService
from streams.process_metrics import ProcessMetrics
from streams.spans import Spans

PREFIX: Final = "astra_relay"


class RelayMetrics(Collector):
    """The metrics of one relay."""

    def __init__(self, service: RelayService, spans: Spans | None = None) -> None:
        self._service = service
        self._registry = CollectorRegistry()
        self._registry.register(self)
        self.process = ProcessMetrics(self._registry, spans)

    def collect(self) -> Iterator[Metric]:
        """Yield the present values."""
        service, counts = self._service, self._service.relay.counts
        yield _gauge("publishing", "1 while the relay reaches database and broker.", int(service.is_publishing))
        yield _gauge("behind_events", "Events of the outbox that the log does not have yet.", service.backlog.rows)
        yield _gauge("behind_seconds", "Seconds that the oldest of them has waited.", service.behind_s())
        yield _gauge("position", "Number of the last event in the log.", counts.position)
        yield _counter("published", "Events that this relay published.", counts.published)
        yield _counter("refused", "Writes refused because another relay was first.", counts.refused)
        yield _counter("lost", "Events that neither the log nor the outbox has.", counts.lost)
        yield _counter("removed", "Published events that this relay removed by their age.", service.removed)

    def text(self) -> bytes:
        """Return all metrics in Prometheus' text format."""
        return generate_latest(self._registry)


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"{PREFIX}_{name}", text, value=value)


def _counter(name: str, text: str, value: float) -> Metric:
    return CounterMetricFamily(f"{PREFIX}_{name}", text, value=value)
