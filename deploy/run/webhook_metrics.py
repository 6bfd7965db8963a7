"""Metrics of the webhooks process, read from its service when they are scraped."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from prometheus_client.core import Metric

from deploy.run.service_metrics import ServiceMetrics
from streams.connect.webhooks.service import WebhookService
from streams.spans import Spans


class WebhookMetrics(ServiceMetrics):
    """The metrics of one service."""

    prefix: ClassVar[str] = "astra_webhooks"

    def __init__(self, service: WebhookService, spans: Spans | None = None) -> None:
        super().__init__(spans)
        self._service = service

    def collect(self) -> Iterator[Metric]:
        """Yield the present values."""
        counts = self._service.sender.counts
        yield self.gauge("leads", "1 while this process posts, 0 while it waits.", int(self._service.leads))
        yield self.counter("delivered", "Events that a receiver has taken.", counts.delivered)
        yield self.counter("failed", "Attempts that failed.", counts.failed)
        yield self.counter("given_up", "Events that failed too often.", counts.given_up)
