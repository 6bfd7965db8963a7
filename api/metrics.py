"""Prometheus metrics of one API process. Depends on no other module of the API."""

from __future__ import annotations

from collections.abc import Mapping

from faust_redis.admin import GroupDescription
from faust_redis.log import TopicPartition
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

LATENCY_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Metrics:
    """Counters and gauges, in a registry of their own, so that several applications can live in one process."""

    def __init__(self) -> None:
        registry = self.registry = CollectorRegistry()
        self.requests = Counter(
            "astra_api_requests", "Requests answered", ["route", "method", "status"], registry=registry
        )
        self.seconds = Histogram(
            "astra_api_request_seconds",
            "Time to the first byte of the answer",
            ["route"],
            buckets=LATENCY_BUCKETS_S,
            registry=registry,
        )
        self.commands = Counter("astra_api_commands", "Commands accepted", ["type"], registry=registry)
        self.acknowledged_lost = Counter(
            "astra_api_acknowledged_lost", "Acknowledged events that the broker has lost", registry=registry
        )
        self.replays = Counter("astra_api_replays", "Requests answered from their Idempotency-Key", registry=registry)
        self.subscribers = Gauge("astra_api_feed_subscribers", "Open feeds", ["feed"], registry=registry)
        self.sockets = Gauge("astra_api_sockets", "Open WebSockets", registry=registry)
        self.deltas = Counter("astra_api_feed_rows", "Changed rows sent to feeds", ["feed"], registry=registry)
        self.conflated = Counter(
            "astra_api_feed_conflated",
            "Changes not sent because a newer one of the row was",
            ["feed"],
            registry=registry,
        )
        self.resyncs = Counter(
            "astra_api_feed_resyncs", "Feeds that had to start again", ["feed", "why"], registry=registry
        )
        self.lag = Gauge(
            "astra_api_lag_records",
            "Records that a group has yet to process",
            ["group", "topic", "partition"],
            registry=registry,
        )
        self.lag_seconds = Gauge(
            "astra_api_lag_seconds",
            "How long the oldest record that a group has yet to process has waited",
            ["group"],
            registry=registry,
        )
        self.members = Gauge("astra_api_group_members", "Live workers of a group", ["group"], registry=registry)
        self.ready = Gauge(
            "astra_api_group_ready",
            "1 when each partition is with a live worker whose tables are complete",
            ["group"],
            registry=registry,
        )
        self.damaged = Gauge(
            "astra_api_group_partitions_damaged",
            "Damaged partitions that the group's workers cannot read or write now",
            ["group"],
            registry=registry,
        )
        self.limited = Counter("astra_api_limited", "Requests refused by a rate limit", ["policy"], registry=registry)
        self.limited_alone = Counter(
            "astra_api_limited_alone", "Rate limits decided by this process alone, without Redis", registry=registry
        )
        self.broker_up = Gauge("astra_api_broker_up", "1 when the broker answers", registry=registry)

    def show_group(self, group: GroupDescription, lag_seconds: float, lag: Mapping[TopicPartition, int]) -> None:
        """Set the gauges of a group."""
        name = group.name
        self.members.labels(name).set(len(group.members))
        self.ready.labels(name).set(group.ready)
        self.damaged.labels(name).set(len(group.damages))
        self.lag_seconds.labels(name).set(lag_seconds)
        for tp, records in lag.items():
            self.lag.labels(name, tp.topic, str(tp.partition)).set(records)

    def text(self) -> bytes:
        """Return all metrics in Prometheus' text format."""
        return generate_latest(self.registry)
