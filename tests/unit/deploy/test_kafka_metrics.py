"""The sensor of a worker on Kafka counts commits, rebalances and recoveries, and exports nothing else as zero."""

from __future__ import annotations

from typing import Any

import faust
import pytest
from faust.types import TP
from prometheus_client.parser import text_string_to_metric_families

from deploy.run.kafka_metrics import FaustSensor, observe_on_kafka
from deploy.run.worker_metrics import WorkerMetrics

TOPIC = TP("t", 0)


@pytest.fixture
def metrics() -> WorkerMetrics:
    return WorkerMetrics(list)


@pytest.fixture
def app(metrics: WorkerMetrics) -> faust.App:
    app = faust.App("kafka-metrics", broker="kafka://localhost")
    observe_on_kafka(app, metrics, "trading")
    return app


def samples(metrics: WorkerMetrics) -> dict[str, float]:
    return {
        sample.name: sample.value
        for family in text_string_to_metric_families(metrics.text().decode())
        for sample in family.samples
        if sample.labels.get("domain") == "trading" and "le" not in sample.labels
    }


def commit(app: faust.App, offset: int | None) -> None:
    sensors: Any = app.sensors
    state = sensors.on_commit_initiated(None)
    if offset is not None:
        app.monitor.on_tp_commit({TOPIC: offset})
    sensors.on_commit_completed(None, state)


def test_a_commit_counts_when_it_wrote_offsets(app: faust.App, metrics: WorkerMetrics) -> None:
    for offset in (5, None, 5, 6):
        commit(app, offset)
    assert samples(metrics)["astra_worker_commit_seconds_count"] == 2


def test_an_overtaken_rebalance_counts_and_its_recovery_does_not(app: faust.App, metrics: WorkerMetrics) -> None:
    app.on_rebalance_start()
    app.on_rebalance_return()
    app.on_rebalance_start()
    app.on_rebalance_return()
    app.on_rebalance_end()
    found = samples(metrics)
    assert (found["astra_worker_rebalances_total"], found["astra_worker_recovery_seconds_count"]) == (2, 1)


def test_what_faust_does_not_report_is_absent_and_not_zero(app: faust.App, metrics: WorkerMetrics) -> None:
    assert any(isinstance(sensor, FaustSensor) for sensor in app.sensors)
    found = samples(metrics)
    assert "astra_worker_events_total" in found
    absent = ("commit_records", "recovered_records", "retries", "dead_letters", "partitions_held_back", "sends_refused")
    assert not {f"astra_worker_{name}_total" for name in absent} & found.keys()
