"""The table of metrics in docs/observability.md, from what each process declares."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Final, NamedTuple
from unittest.mock import MagicMock

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.metrics import MetricWrapperBase

from api.metrics import Metrics
from deploy.run.archive_metrics import ArchiveMetrics
from deploy.run.clock_metrics import ClockMetrics
from deploy.run.indexer_metrics import IndexerMetrics
from deploy.run.relay_metrics import RelayMetrics
from deploy.run.settlement_metrics import SettlementMetrics
from deploy.run.sink_metrics import SinkMetrics
from deploy.run.webhook_metrics import WebhookMetrics
from deploy.run.worker_metrics import WorkerMetrics

PROCESSES: Final = ("gateway", "worker", "relay", "clock", "webhooks", "indexer", "settlement", "sink", "archive")
EACH: Final = "each"
PROCESS_OWN: Final = "process_"
"""Begins the names of the client library's metrics of memory, CPU time and files, which every process has."""


class Family(NamedTuple):
    """A metric: its name as queries use it (a histogram's without `_bucket`), type, labels and meaning."""

    name: str
    type: str
    labels: tuple[str, ...]
    text: str

    @property
    def series(self) -> tuple[str, ...]:
        """Return the names that queries may use."""
        return (
            tuple(f"{self.name}_{part}" for part in ("bucket", "sum", "count")) if self.is_histogram else (self.name,)
        )

    @property
    def is_histogram(self) -> bool:
        """Return whether the metric has buckets."""
        return self.type == "histogram"


def _registries() -> Mapping[str, CollectorRegistry]:
    """Return what each process exports, by its name; what a process reports on is absent."""
    absent: Any = MagicMock()
    return {
        "gateway": Metrics().registry,
        "worker": WorkerMetrics(list).registry,
        "relay": RelayMetrics(absent).registry,
        "clock": ClockMetrics(absent).registry,
        "webhooks": WebhookMetrics(absent).registry,
        "indexer": IndexerMetrics(absent, absent).registry,
        "settlement": SettlementMetrics(absent).registry,
        "sink": SinkMetrics(absent).registry,
        "archive": ArchiveMetrics([]).registry,
    }


def _families(registry: CollectorRegistry) -> Iterator[Family]:
    for collector in registry._collector_to_names:
        if isinstance(collector, ProcessCollector):
            continue
        wrapped = isinstance(collector, MetricWrapperBase)
        labels = collector._labelnames if isinstance(collector, MetricWrapperBase) else None
        for metric in collector.collect():
            name = f"{metric.name}_total" if metric.type == "counter" else metric.name
            own: Any = metric
            yield Family(
                name,
                metric.type,
                tuple(labels if wrapped and labels is not None else own._labelnames),
                metric.documentation,
            )


@cache
def declared() -> Mapping[str, tuple[Family, ...]]:
    """Return the metrics of each process."""
    return {process: tuple(_families(registry)) for process, registry in _registries().items()}


def by_process() -> Mapping[str, tuple[Family, ...]]:
    """Return the metrics of each process, with those that all processes have in one place of their own, `each`."""
    common = [family for family in declared()["relay"] if all(family in families for families in declared().values())]
    own = {
        process: tuple(family for family in families if family not in common)
        for process, families in declared().items()
    }
    return {EACH: tuple(common), **own}


def metrics_table() -> str:
    """Return a Markdown table of all metrics."""
    rows = ["| Process | Metric | Type | Labels | Meaning |", "|---|---|---|---|---|"]
    for process, families in by_process().items():
        for family in families:
            labels = ", ".join(f"`{label}`" for label in family.labels)
            text = family.text.rstrip(".")
            rows.append(f"| {process} | `{family.name}` | {family.type} | {labels} | {text[0].lower()}{text[1:]} |")
    return "\n".join(rows)
