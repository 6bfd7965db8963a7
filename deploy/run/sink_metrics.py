"""Metrics of the sink's process, read from the sink when they are scraped."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from prometheus_client.core import Metric

from contracts.connector import ConnectorService
from contracts.sink.sink import Sink
from deploy.run.service_metrics import GAS_STRK, ServiceMetrics
from streams.spans import Spans


class SinkMetrics(ServiceMetrics):
    """The metrics of one sink."""

    prefix: ClassVar[str] = "astra_sink"

    def __init__(self, service: ConnectorService[Sink], spans: Spans | None = None) -> None:
        super().__init__(spans)
        self._service = service

    def collect(self) -> Iterator[Metric]:
        """Yield the present values."""
        service, counts = self._service, self._service.connector.counts
        yield self.gauge("working", "1 while the sink reaches node and broker.", int(service.works))
        yield self.gauge("gas_strk", GAS_STRK, service.connector.gas.tokens)
        yield self.gauge("open_mints", "Mints that no final block has.", counts.open_mints)
        yield self.gauge("mints_without_wallet", "Those of them whose user has no wallet.", counts.without_wallet)
        yield self.gauge("known_users", "Users of whom the sink knows something.", counts.users)
        yield self.counter("minted", "Mints that the sink reported as confirmed.", counts.minted)
        yield self.counter("failed_mints", "Mints that the sink reported as failed.", counts.failed)
        yield self.gauge("open_calls", "Calls of users that no final block has.", counts.open_calls)
        yield self.counter("executed_calls", "Calls of users that were reported as executed.", counts.executed)
        yield self.counter("refused_calls", "Calls of users that were reported as refused.", counts.refused_calls)
        yield self.counter("sent", "Transactions that the node took.", counts.sent)
        yield self.counter("reverted", "Transactions that were reverted.", counts.reverted)
        yield self.counter("refused", "Writes refused because another process was first.", counts.refused)
        yield self.counter(
            "lost_records", "Records that were trimmed before the sink read them.", service.connector.reader.lost
        )
        yield self.counter("failures", "Times that node or broker were away, or took no transaction.", service.failures)
