"""Metrics of the indexer process, read from the indexer when they are scraped.

Source of the metric types: https://prometheus.io/docs/concepts/metric_types/
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from contracts.indexer.blocks import Blocks
from contracts.indexer.service import IndexerService
from streams.process_metrics import ProcessMetrics
from streams.spans import Spans

PREFIX: Final = "astra_indexer"


class IndexerMetrics(Collector):
    """The metrics of one indexer."""

    def __init__(self, service: IndexerService, blocks: Blocks, spans: Spans | None = None) -> None:
        self._service = service
        self._blocks = blocks
        self._registry = CollectorRegistry()
        self._registry.register(self)
        self.process = ProcessMetrics(self._registry, spans)

    def collect(self) -> Iterator[Metric]:
        """Yield the present values."""
        service, counts = self._service, self._service.indexer.counts
        yield _gauge("indexing", "1 while the indexer reaches node and broker.", int(service.is_indexing))
        yield _gauge("head_block", "Number of the node's newest block; -1 while unknown.", counts.head)
        yield _gauge("block", "Number of the last block in the log; -1 for none.", counts.cursor)
        yield _gauge("final_block", "Number of the last final block; -1 for none.", counts.final)
        yield _gauge("open_blocks", "Blocks in the log that are not final.", counts.open_blocks)
        yield _gauge("behind_blocks", "Blocks of the node's chain that are not in the log.", service.behind_blocks)
        yield _gauge(
            "behind_seconds", "Age of the last block in the log while there are newer ones.", service.behind_s()
        )
        yield _counter("facts_accepted", "Facts that this indexer accepted.", counts.accepted)
        yield _counter("facts_retracted", "Facts that this indexer retracted.", counts.retracted)
        yield _counter("reorgs", "Times that the chain had replaced blocks of the log.", counts.reorgs)
        yield _counter("replaced_blocks", "Blocks of the log that the chain had replaced.", counts.replaced)
        yield _counter("refused", "Writes refused because another indexer was first.", counts.refused)
        yield _counter("node_errors", "Calls that the node did not answer, or refused.", self._blocks.node.errors)
        yield _counter(
            "read_again", "Portions read from receipts, as the node's events were wrong.", self._blocks.read_again
        )

    def text(self) -> bytes:
        """Return all metrics in Prometheus' text format."""
        return generate_latest(self._registry)


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"{PREFIX}_{name}", text, value=value)


def _counter(name: str, text: str, value: float) -> Metric:
    return CounterMetricFamily(f"{PREFIX}_{name}", text, value=value)
