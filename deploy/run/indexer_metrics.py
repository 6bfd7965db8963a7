"""Metrics of the indexer process, read from the indexer when they are scraped."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from prometheus_client.core import Metric

from contracts.indexer.blocks import Blocks
from contracts.indexer.service import IndexerService
from deploy.run.service_metrics import ServiceMetrics
from streams.spans import Spans


class IndexerMetrics(ServiceMetrics):
    """The metrics of one indexer."""

    prefix: ClassVar[str] = "astra_indexer"

    def __init__(self, service: IndexerService, blocks: Blocks, spans: Spans | None = None) -> None:
        super().__init__(spans)
        self._service = service
        self._blocks = blocks

    def collect(self) -> Iterator[Metric]:
        """Yield the present values."""
        service, indexer = self._service, self._service.connector
        counts = indexer.counts
        yield self.gauge("indexing", "1 while the indexer reaches node and broker.", int(service.works))
        yield self.gauge("head_block", "Number of the node's newest block; -1 while unknown.", counts.head)
        yield self.gauge(
            "head_timestamp_seconds",
            "Time of the node's newest block, in seconds since 1970; NaN while unknown.",
            counts.head_time_s,
        )
        yield self.gauge("block", "Number of the last block in the log; -1 for none.", counts.cursor)
        yield self.gauge("final_block", "Number of the last final block; -1 for none.", counts.final)
        yield self.gauge("open_blocks", "Blocks in the log that are not final.", counts.open_blocks)
        yield self.gauge("behind_blocks", "Blocks of the node's chain that are not in the log.", indexer.behind_blocks)
        yield self.gauge(
            "behind_seconds", "Age of the last block in the log while there are newer ones.", indexer.behind_s()
        )
        yield self.counter("facts_accepted", "Facts that this indexer accepted.", counts.accepted)
        yield self.counter("facts_retracted", "Facts that this indexer retracted.", counts.retracted)
        yield self.counter("reorgs", "Times that the chain had replaced blocks of the log.", counts.reorgs)
        yield self.counter("replaced_blocks", "Blocks of the log that the chain had replaced.", counts.replaced)
        yield self.counter("refused", "Writes refused because another indexer was first.", counts.refused)
        yield self.counter("node_errors", "Calls that the node did not answer, or refused.", self._blocks.node.errors)
        yield self.gauge("socket", "1 while the node tells of new blocks by WebSocket.", int(service.heads.connected))
        yield self.counter("socket_messages", "Messages of the node by WebSocket.", service.heads.messages)
        yield self.counter(
            "read_again", "Portions read from receipts, as the node's events were wrong.", self._blocks.read_again
        )
