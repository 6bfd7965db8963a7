"""Metrics of one worker process, by domain: counts from the driver's hooks, and queue depths of the apps.

Source of the metric types: https://prometheus.io/docs/concepts/metric_types/
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from faust_redis.depths import Depths
from faust_redis.hooks import (
    BatchFinished,
    Committed,
    DeadLettered,
    HeldBack,
    Hooks,
    Rebalanced,
    Recovered,
    Retried,
    SendsRefused,
)
from faust_redis.rocksdb.database import Sizes
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from streams.process_metrics import ProcessMetrics
from streams.spans import Spans
from streams.times import SECOND_US
from tables.financial import Audit
from tables.watermark import Watermark
from tables.windows import INTERVALS

PREFIX: Final = "astra_worker"
BATCH_SECONDS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0)
COMMIT_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0)
RECOVERY_SECONDS: Final = (0.01, 0.05, 0.25, 1.0, 5.0, 30.0, 120.0)

DepthsByDomain = Callable[[], Iterable[tuple[str, Depths]]]
"""Returns the name of each domain, and what its app holds."""

AuditsByPartition = Callable[[], Iterable[tuple[int, Audit]]]
"""Returns the last audit of each partition whose money this process keeps."""


WatermarksByDomain = Callable[[], Iterable[tuple[str, int, Watermark]]]
"""Returns the domain, the partition and the watermark of each partition whose rows this process keeps."""

CpuByDomain = Callable[[], Iterable[tuple[str, float]]]
"""Returns the CPU seconds of each domain's thread."""

SizesByDomain = Callable[[], Iterable[tuple[str, Sizes]]]
"""Returns the name of each domain, and what its local state occupies."""


class _DepthCollector(Collector):
    """Reads the queue depths of each domain when the metrics are scraped."""

    def __init__(self, depths: DepthsByDomain) -> None:
        self._depths = depths

    def collect(self) -> Iterator[Metric]:
        in_flight = GaugeMetricFamily(
            f"{PREFIX}_events_in_flight", "Events that agents have and have not finished.", labels=("domain",)
        )
        pending = GaugeMetricFamily(
            f"{PREFIX}_writes_pending", "Outputs and rows that wait for a commit.", labels=("domain",)
        )
        damaged = GaugeMetricFamily(
            f"{PREFIX}_partitions_damaged",
            "Damaged partitions that the domain cannot read or write now.",
            labels=("domain",),
        )
        for domain, depths in self._depths():
            in_flight.add_metric((domain,), depths.events_in_flight)
            pending.add_metric((domain,), depths.writes_pending)
            damaged.add_metric((domain,), depths.partitions_damaged)
        yield in_flight
        yield pending
        yield damaged


class _AuditCollector(Collector):
    """Reads the last audit of each partition's money when the metrics are scraped."""

    def __init__(self, audits: AuditsByPartition) -> None:
        self._audits = audits

    def collect(self) -> Iterator[Metric]:
        found = GaugeMetricFamily(
            "astra_ledger_breaches",
            "Accounts and totals that break a rule of the ledger, by the last audit of the partition.",
            labels=("partition", "rule"),
        )
        at = GaugeMetricFamily(
            "astra_ledger_audited_timestamp_seconds",
            "Event time of the last audit, Unix seconds.",
            labels=("partition",),
        )
        for partition, audit in self._audits():
            at.add_metric((str(partition),), audit.at / SECOND_US)
            for rule, count in audit.breaches.items():
                found.add_metric((str(partition), rule), count)
        yield found
        yield at


class _WatermarkCollector(Collector):
    """Reads how far the event time of each partition has come when the metrics are scraped."""

    def __init__(self, watermarks: WatermarksByDomain) -> None:
        self._watermarks = watermarks

    def collect(self) -> Iterator[Metric]:
        at = GaugeMetricFamily(
            f"{PREFIX}_watermark_timestamp_seconds",
            "Event time up to which the domain has seen a partition, Unix seconds.",
            labels=("domain", "partition"),
        )
        dropped = CounterMetricFamily(
            f"{PREFIX}_window_events_dropped",
            "Events that came after the grace of their window, by its interval.",
            labels=("domain", "partition", "interval"),
        )
        for domain, partition, watermark in self._watermarks():
            at.add_metric((domain, str(partition)), watermark.highest / SECOND_US)
            for interval in INTERVALS:
                if interval in watermark.dropped:
                    dropped.add_metric((domain, str(partition), interval), watermark.dropped[interval])
        yield at
        yield dropped


class _SizeCollector(Collector):
    """Reads what each domain's local state occupies when the metrics are scraped."""

    def __init__(self, sizes: SizesByDomain) -> None:
        self._sizes = sizes

    def collect(self) -> Iterator[Metric]:
        found = GaugeMetricFamily(
            f"{PREFIX}_rocksdb_bytes",
            "Size of the local state, by place: files or memory.",
            labels=("domain", "place"),
        )
        for domain, sizes in self._sizes():
            for place, size in sizes._asdict().items():
                found.add_metric((domain, place), size)
        yield found


class _CpuCollector(Collector):
    """Reads the CPU time of each domain's thread when the metrics are scraped."""

    def __init__(self, cpu: CpuByDomain) -> None:
        self._cpu = cpu

    def collect(self) -> Iterator[Metric]:
        found = CounterMetricFamily(
            f"{PREFIX}_cpu_seconds",
            "Seconds of CPU that the domain's thread took, up to a quarter of a second ago.",
            labels=("domain",),
        )
        for domain, seconds in self._cpu():
            found.add_metric((domain,), seconds)
        yield found


class WorkerMetrics:
    """The metrics of one worker process. Hooks update them from the domains' threads."""

    def __init__(
        self,
        depths: DepthsByDomain,
        audits: AuditsByPartition = list,
        sizes: SizesByDomain = list,
        spans: Spans | None = None,
        *,
        watermarks: WatermarksByDomain = list,
        cpu: CpuByDomain = list,
    ) -> None:
        """Create the metrics.

        Args:
            depths: Called at each scrape, from the thread that serves it.
            audits: Called likewise.
            sizes: Called likewise.
            spans: Where the process records its spans; None without traces.
            watermarks: Called as `depths` is.
            cpu: Called likewise.
        """
        self.registry = CollectorRegistry()
        self.registry.register(_DepthCollector(depths))
        self.registry.register(_AuditCollector(audits))
        self.registry.register(_SizeCollector(sizes))
        self.registry.register(_WatermarkCollector(watermarks))
        self.registry.register(_CpuCollector(cpu))
        self.process = ProcessMetrics(self.registry, spans)
        self.events = self._counter("events", "Events that agents processed.")
        self.batches = self._counter("batches", "Batches that agents worked on, by outcome.", "outcome")
        self.batch_seconds = self._histogram("batch_seconds", "Seconds that an agent worked on a batch.", BATCH_SECONDS)
        self.commit_records = self._counter("commit_records", "Records and rows that commits appended.")
        self.commit_seconds = self._histogram("commit_seconds", "Seconds that a commit took.", COMMIT_SECONDS)
        self.rebalances = self._counter("rebalances", "Assignments that the member installed.")
        self.recovered = self._counter("recovered_records", "Rows and records read to restore tables.")
        self.recovery_seconds = self._histogram(
            "recovery_seconds", "Seconds that restoring the tables took.", RECOVERY_SECONDS
        )
        self.retries = self._counter("retries", "Attempts that failed with a transient error.")
        self.dead_letters = self._counter("dead_letters", "Events that became dead letters.")
        self.held_back = self._counter("partitions_held_back", "Times that a damaged partition was held back.")
        self.sends_refused = self._counter(
            "sends_refused", "Records sent outside of events that a damaged partition did not take."
        )

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"{PREFIX}_{name}", text, ("domain", *labels), registry=self.registry)

    def _histogram(self, name: str, text: str, buckets: tuple[float, ...]) -> Histogram:
        return Histogram(f"{PREFIX}_{name}", text, ("domain",), buckets=buckets, registry=self.registry)

    def hooks(self, domain: str) -> Hooks:
        """Return the hooks that count for a domain."""
        return _DomainHooks(self, domain)

    def batch_hooks(self, domain: str) -> Hooks:
        """Return hooks that count the batches of a domain and nothing else, for a worker on Kafka."""
        return _BatchHooks(self, domain)

    def text(self) -> bytes:
        """Return all metrics in Prometheus' text format."""
        return generate_latest(self.registry)


class _BatchHooks(Hooks):
    """Hooks that count the batches of one domain."""

    def __init__(self, metrics: WorkerMetrics, domain: str) -> None:
        self._events = metrics.events.labels(domain)
        self._succeeded = metrics.batches.labels(domain, "succeeded")
        self._failed = metrics.batches.labels(domain, "failed")
        self._batch_seconds = metrics.batch_seconds.labels(domain)

    def on_batch_finished(self, batch: BatchFinished, /) -> None:
        if batch.succeeded:
            self._events.inc(batch.records)
            self._succeeded.inc()
        else:
            self._failed.inc()
        self._batch_seconds.observe(batch.duration_s)


class _DomainHooks(_BatchHooks):
    """Hooks that count all reports of one domain's driver under the domain's name."""

    def __init__(self, metrics: WorkerMetrics, domain: str) -> None:
        super().__init__(metrics, domain)
        self._commit_records = metrics.commit_records.labels(domain)
        self._commit_seconds = metrics.commit_seconds.labels(domain)
        self._rebalances = metrics.rebalances.labels(domain)
        self._recovered = metrics.recovered.labels(domain)
        self._recovery_seconds = metrics.recovery_seconds.labels(domain)
        self._retries = metrics.retries.labels(domain)
        self._dead_letters = metrics.dead_letters.labels(domain)
        self._held_back = metrics.held_back.labels(domain)
        self._sends_refused = metrics.sends_refused.labels(domain)

    def on_commit(self, commit: Committed, /) -> None:
        self._commit_records.inc(commit.records)
        self._commit_seconds.observe(commit.duration_s)

    def on_rebalance(self, rebalance: Rebalanced, /) -> None:
        self._rebalances.inc()

    def on_recovery(self, recovery: Recovered, /) -> None:
        self._recovered.inc(recovery.records)
        self._recovery_seconds.observe(recovery.duration_s)

    def on_retry(self, retry: Retried, /) -> None:
        self._retries.inc()

    def on_dead_letter(self, letter: DeadLettered, /) -> None:
        self._dead_letters.inc()

    def on_held_back(self, held_back: HeldBack, /) -> None:
        self._held_back.inc()

    def on_sends_refused(self, refused: SendsRefused, /) -> None:
        self._sends_refused.inc(refused.records)
