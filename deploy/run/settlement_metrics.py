"""Metrics of the settlement process, read from the settlement when they are scraped.

Source of the metric types: https://prometheus.io/docs/concepts/metric_types/
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from contracts.settlement.service import SettlementService
from streams.process_metrics import ProcessMetrics
from streams.spans import Spans

PREFIX: Final = "astra_settlement"


class SettlementMetrics(Collector):
    """The metrics of one settlement."""

    def __init__(self, service: SettlementService, spans: Spans | None = None) -> None:
        self._service = service
        self._registry = CollectorRegistry()
        self._registry.register(self)
        self.process = ProcessMetrics(self._registry, spans)

    def collect(self) -> Iterator[Metric]:
        """Yield the present values."""
        counts = self._service.settlement.counts
        yield _gauge("settling", "1 while settlement reaches node and broker.", int(self._service.is_settling))
        yield _gauge("closed_batch", "Number of the last closed batch.", counts.closed)
        yield _gauge("confirmed_batch", "Number of the last confirmed batch.", counts.confirmed)
        yield _gauge("open_fees", "Fees in no batch yet, in 1e-8 USD.", counts.open_usd)
        yield _gauge("unconfirmed_units", "Units of the token in batches that are not confirmed.", counts.unconfirmed)
        yield _counter("batches_sent", "Transactions with a batch that the node took.", counts.batches_sent)
        yield _counter("sweeps_sent", "Transactions with a sweep that the node took.", counts.sweeps_sent)
        yield _counter("reverted", "Transactions that were reverted.", counts.reverted)
        yield _counter("refused", "Writes refused because another process was first.", counts.refused)
        yield _counter("audits", "Comparisons of ledger, log and contracts without a difference.", counts.audits)
        yield _counter(
            "failures", "Times that node or broker were away, or took no transaction.", self._service.failures
        )

    def text(self) -> bytes:
        """Return all metrics in Prometheus' text format."""
        return generate_latest(self._registry)


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"{PREFIX}_{name}", text, value=value)


def _counter(name: str, text: str, value: float) -> Metric:
    return CounterMetricFamily(f"{PREFIX}_{name}", text, value=value)
