"""Metrics of the webhooks process, read from its service when they are scraped."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from streams.connect.webhooks.service import WebhookService
from streams.process_metrics import ProcessMetrics
from streams.spans import Spans

PREFIX: Final = "astra_webhooks"


class WebhookMetrics(Collector):
    """The metrics of one service."""

    def __init__(self, service: WebhookService, spans: Spans | None = None) -> None:
        self._service = service
        self._registry = CollectorRegistry()
        self._registry.register(self)
        self.process = ProcessMetrics(self._registry, spans)

    def collect(self) -> Iterator[Metric]:
        """Yield the present values."""
        counts = self._service.sender.counts
        yield GaugeMetricFamily(
            f"{PREFIX}_leads", "1 while this process posts, 0 while it waits.", value=int(self._service.leads)
        )
        yield CounterMetricFamily(f"{PREFIX}_delivered", "Events that a receiver has taken.", value=counts.delivered)
        yield CounterMetricFamily(f"{PREFIX}_failed", "Attempts that failed.", value=counts.failed)
        yield CounterMetricFamily(f"{PREFIX}_given_up", "Events that failed too often.", value=counts.given_up)

    def text(self) -> bytes:
        """Return all metrics in Prometheus' text format."""
        return generate_latest(self._registry)
