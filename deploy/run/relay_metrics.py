"""Metrics of the relay process, read from the relay when they are scraped."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from prometheus_client.core import Metric

from deploy.run.service_metrics import ServiceMetrics
from streams.connect.outbox.service import RelayService
from streams.spans import Spans


class RelayMetrics(ServiceMetrics):
    """The metrics of one relay."""

    prefix: ClassVar[str] = "astra_relay"

    def __init__(self, service: RelayService, spans: Spans | None = None) -> None:
        super().__init__(spans)
        self._service = service

    def collect(self) -> Iterator[Metric]:
        """Yield the present values."""
        service, counts = self._service, self._service.relay.counts
        yield self.gauge("publishing", "1 while the relay reaches database and broker.", int(service.is_publishing))
        yield self.gauge("behind_events", "Events of the outbox that the log does not have yet.", service.backlog.rows)
        yield self.gauge("behind_seconds", "Seconds that the oldest of them has waited.", service.behind_s())
        yield self.gauge("position", "Number of the last event in the log.", counts.position)
        yield self.counter("published", "Events that this relay published.", counts.published)
        yield self.counter("refused", "Writes refused because another relay was first.", counts.refused)
        yield self.counter("lost", "Events that neither the log nor the outbox has.", counts.lost)
        yield self.counter("removed", "Published events that this relay removed by their age.", service.removed)
