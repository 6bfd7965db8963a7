"""Metrics of the settlement process, read from the settlement when they are scraped."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from prometheus_client.core import GaugeMetricFamily, Metric

from contracts.connector import ConnectorService
from contracts.settlement.settlement import Settlement
from contracts.settlement.waits import Wait
from deploy.run.service_metrics import GAS_STRK, ServiceMetrics
from streams.spans import Spans


class SettlementMetrics(ServiceMetrics):
    """The metrics of one settlement."""

    prefix: ClassVar[str] = "astra_settlement"

    def __init__(self, service: ConnectorService[Settlement], spans: Spans | None = None) -> None:
        super().__init__(spans)
        self._service = service

    def collect(self) -> Iterator[Metric]:
        """Yield the present values."""
        counts = self._service.connector.counts
        yield self.gauge("settling", "1 while settlement reaches node and broker.", int(self._service.works))
        yield self.gauge("gas_strk", GAS_STRK, self._service.connector.gas.tokens)
        yield self._waits()
        yield self.gauge("closed_batch", "Number of the last closed batch.", counts.closed)
        yield self.gauge("confirmed_batch", "Number of the last confirmed batch.", counts.confirmed)
        yield self.gauge("open_fees", "Fees in no batch yet, in 1e-8 USD.", counts.open_usd)
        yield self.gauge(
            "unconfirmed_units", "Units of the token in batches that are not confirmed.", counts.unconfirmed
        )
        yield self.counter("batches_sent", "Transactions with a batch that the node took.", counts.batches_sent)
        yield self.counter("sweeps_sent", "Transactions with a sweep that the node took.", counts.sweeps_sent)
        yield self.counter("reverted", "Transactions that were reverted.", counts.reverted)
        yield self.counter("refused", "Writes refused because another process was first.", counts.refused)
        yield self.counter("audits", "Comparisons of ledger, log and contracts without a difference.", counts.audits)
        yield self.counter(
            "failures", "Times that node or broker were away, or took no transaction.", self._service.failures
        )

    def _waits(self) -> Metric:
        """Return a gauge with one sample for each thing that settlement can wait for."""
        waits = GaugeMetricFamily(f"{self.prefix}_waits", "1 for what settlement waits for.", labels=["reason"])
        for reason in Wait:
            waits.add_metric([reason], int(self._service.connector.counts.waits is reason))
        return waits
