"""What the metrics of services with one leader share. They are read from the service at each scrape.

Source of the metric types: https://prometheus.io/docs/concepts/metric_types/
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from typing import ClassVar, Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from streams.process_metrics import ProcessMetrics
from streams.spans import Spans

GAS_STRK: Final = "Tokens that the account has left for gas, in STRK; NaN while unknown."


class ServiceMetrics(Collector):
    """The metrics of one service process, in a registry of their own. `prefix` begins the name of each."""

    prefix: ClassVar[str]

    def __init__(self, spans: Spans | None) -> None:
        """Create the registry; `spans` is None in a process without traces."""
        self.registry = CollectorRegistry()
        self.registry.register(self)
        self.process = ProcessMetrics(self.registry, spans)

    @abstractmethod
    def collect(self) -> Iterator[Metric]:
        """Yield the present values."""

    def text(self) -> bytes:
        """Return all metrics in Prometheus' text format."""
        return generate_latest(self.registry)

    def gauge(self, name: str, text: str, value: float) -> Metric:
        """Return a value that rises and falls."""
        return GaugeMetricFamily(f"{self.prefix}_{name}", text, value=value)

    def counter(self, name: str, text: str, value: float) -> Metric:
        """Return a count since the start of the process."""
        return CounterMetricFamily(f"{self.prefix}_{name}", text, value=value)
