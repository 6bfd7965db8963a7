"""Prometheus metrics of one API process. Depends on no other module of the API.

Every label takes its values from the code or the settings, never from a client: `test_cardinality.py` counts the
series after many users. `docs/observability.md` has the table of all metrics, made from these declarations.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from faust_redis.admin import GroupDescription
from faust_redis.log import TopicPartition
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector

from streams.process_metrics import ProcessMetrics
from streams.spans import Spans

LATENCY_BUCKETS_S: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
VISIBLE_BUCKETS_S: Final = (0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
FEED_BUCKETS_S: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5, 20)


class Metrics:
    """Counters and gauges, in a registry of their own, so that several applications can live in one process."""

    def __init__(self, spans: Spans | None = None) -> None:
        self.registry = CollectorRegistry()
        self.process = ProcessMetrics(self.registry, spans)
        self._appended = _Appended(self.registry)
        self._requests()
        self._feeds()
        self._pipeline()
        self._broker()

    def _requests(self) -> None:
        self.requests = self._counter("requests", "Requests answered", "route", "method", "status")
        self.seconds = self._histogram(
            "request_seconds", "Time to the first byte of the answer", LATENCY_BUCKETS_S, "route"
        )
        self.commands = self._counter("commands", "Commands accepted", "type")
        self.acknowledged_lost = self._counter("acknowledged_lost", "Acknowledged events that the broker has lost")
        self.replays = self._counter("replays", "Requests answered from their Idempotency-Key")
        self.limited = self._counter("limited", "Requests refused by a rate limit", "policy")
        self.limited_alone = self._counter("limited_alone", "Rate limits decided by this process alone, without Redis")

    def _feeds(self) -> None:
        self.subscribers = self._gauge("feed_subscribers", "Open feeds", "feed")
        self.sockets = self._gauge("sockets", "Open WebSockets")
        self.deltas = self._counter("feed_rows", "Changed rows sent to feeds", "feed")
        self.conflated = self._counter("feed_conflated", "Changes not sent because a newer one of the row was", "feed")
        self.resyncs = self._counter("feed_resyncs", "Feeds that had to start again", "feed", "why")
        self.feed_delay = self._histogram(
            "feed_delay_seconds",
            "Time from the reading of a change from the log until a client's connection takes it",
            FEED_BUCKETS_S,
        )

    def _pipeline(self) -> None:
        where = ("domain", "topic", "partition")
        self.lag = self._gauge("lag_records", "Records that a domain has yet to process", *where)
        self.lag_seconds = self._gauge(
            "lag_seconds", "How long the oldest record that a domain has yet to process has waited", *where
        )
        self.members = self._gauge("group_members", "Live workers of a domain", "domain")
        self.ready = self._gauge(
            "group_ready", "1 when each partition is with a live worker whose tables are complete", "domain"
        )
        self.damaged = self._gauge(
            "group_partitions_damaged",
            "Damaged partitions that the domain's workers cannot read or write now",
            "domain",
        )
        self.expected = self._counter(
            "effects_expected",
            "Accepted requests whose effect is awaited, once for each partition that they write to",
            "domain",
        )
        self.visible = self._histogram(
            "accepted_to_visible_seconds",
            "Time from the acceptance of a command until the domain's tables show its effect",
            VISIBLE_BUCKETS_S,
            "domain",
        )

    def _broker(self) -> None:
        self.broker_up = self._gauge("broker_up", "1 when the broker answers")
        self.broker_memory = self._gauge("broker_memory_bytes", "Memory that the broker uses")
        self.broker_memory_max = self._gauge(
            "broker_memory_max_bytes", "Memory that the broker may use, or all of its machine's where it has no limit"
        )
        self.broker_persists = self._gauge("broker_persists", "1 when the broker's last write to its disk succeeded")
        self.broker_replicas = self._gauge("broker_replicas", "Replicas connected to the broker")

    def show_domain(
        self,
        domain: str,
        group: GroupDescription,
        lag: Mapping[TopicPartition, int],
        waited_s: Mapping[TopicPartition, float],
    ) -> None:
        """Set the gauges of a domain. A partition that `waited_s` leaves out has no waiting record."""
        self.members.labels(domain).set(len(group.members))
        self.ready.labels(domain).set(group.ready)
        self.damaged.labels(domain).set(len(group.damages))
        for tp, records in lag.items():
            labels = domain, tp.topic, str(tp.partition)
            self.lag.labels(*labels).set(records)
            self.lag_seconds.labels(*labels).set(waited_s.get(tp, 0.0))

    def show_ends(self, ends: Mapping[TopicPartition, int]) -> None:
        """Set how many records each topic has had, from the ends of its partitions."""
        self._appended.ends = ends

    def show_broker(self, info: Mapping[str, Any]) -> None:
        """Set the gauges of the broker, from its own `INFO`."""
        self.broker_memory.set(info["used_memory"])
        self.broker_memory_max.set(info["maxmemory"] or info["total_system_memory"])
        kept = info["rdb_last_bgsave_status"] == "ok" and info["aof_last_write_status"] == "ok"
        self.broker_persists.set(kept)
        self.broker_replicas.set(info["connected_slaves"])

    def text(self) -> bytes:
        """Return all metrics in Prometheus' text format."""
        return generate_latest(self.registry)

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"astra_api_{name}", text, labels, registry=self.registry)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(f"astra_api_{name}", text, labels, registry=self.registry)

    def _histogram(self, name: str, text: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
        return Histogram(f"astra_api_{name}", text, labels, buckets=buckets, registry=self.registry)


class _Appended(Collector):
    """Exports how many records each topic got, from all producers. The end offset of a partition is that number."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.ends: Mapping[TopicPartition, int] = {}
        registry.register(self)

    def collect(self) -> Iterator[Metric]:
        found = CounterMetricFamily(
            "astra_api_topic_records", "Records ever appended to a topic, by any process", labels=("topic",)
        )
        totals: dict[str, int] = {}
        for tp, end in self.ends.items():
            totals[tp.topic] = totals.get(tp.topic, 0) + end
        for topic, records in totals.items():
            found.add_metric((topic,), records)
        yield found
