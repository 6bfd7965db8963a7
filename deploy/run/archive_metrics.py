"""Metrics of the archiver's process, read from the service when they are scraped."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import ClassVar

from faust_redis.archive.service import ArchiveService, ArchiveState
from prometheus_client.core import GaugeMetricFamily, Metric

from deploy.run.service_metrics import ServiceMetrics


class ArchiveMetrics(ServiceMetrics):
    """The metrics of one archiver."""

    prefix: ClassVar[str] = "astra_archive"

    def __init__(self, services: Sequence[ArchiveService]) -> None:
        """Create them for the services of one process, one for each shard."""
        super().__init__(None)
        self._services = services

    def collect(self) -> Iterator[Metric]:
        """Yield the present values."""
        states = [service.state for service in self._services]

        def total(count: Callable[[ArchiveState], int]) -> int:
            return sum(map(count, states))

        yield self.gauge(
            "leads", "Shards whose lease this archiver has; 0 while it waits.", total(lambda one: one.leads)
        )
        lag = "How long the oldest record that is not archived has waited."
        yield self.gauge("lag_seconds", lag, max((one.lag_s() for one in self._services), default=0))
        yield self.gauge("faults", "Partitions that cannot be archived.", total(lambda one: len(one.faults)))
        yield self.gauge(
            "bytes", "Bytes of all files of the archive.", sum(sum(state.sizes.values()) for state in states)
        )
        ends = GaugeMetricFamily(
            "astra_archive_offset", "The offset up to which a partition is archived.", labels=["topic", "partition"]
        )
        for tp, end in (item for state in states for item in state.ends.items()):
            ends.add_metric([tp.topic, str(tp.partition)], end)
        yield ends
        yield self.counter("records", "Records that this process archived.", total(lambda one: one.records))
        yield self.counter(
            "written_bytes", "Bytes of the files that it wrote for them.", total(lambda one: one.written)
        )
        yield self.counter("files", "Files that it wrote for them.", total(lambda one: one.files))
        yield self.counter("merged_files", "Files that it merged into larger ones.", total(lambda one: one.merged))
        yield self.counter("removed_files", "Files that it removed.", total(lambda one: one.removed))
