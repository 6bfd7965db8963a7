"""The metrics of a worker show what its domains hold, and what their drivers report."""

from faust_redis.depths import Depths
from faust_redis.hooks import HeldBack, SendsRefused

from deploy.run.worker_metrics import WorkerMetrics
from tables.financial import Audit
from tables.watermark import Watermark


def test_the_gauges_show_what_a_domain_holds_at_the_scrape() -> None:
    damaged = [2]
    metrics = WorkerMetrics(lambda: [("trading", Depths(5, 7, damaged[0]))])
    for line in ("events_in_flight", "5"), ("writes_pending", "7"), ("partitions_damaged", "2"):
        assert f'astra_worker_{line[0]}{{domain="trading"}} {line[1]}.0' in metrics.text().decode()
    damaged[0] = 0
    assert 'astra_worker_partitions_damaged{domain="trading"} 0.0' in metrics.text().decode()


def test_the_counters_count_damage_by_domain() -> None:
    metrics = WorkerMetrics(list)
    hooks = metrics.hooks("trading")
    hooks.on_held_back(HeldBack("t", 1, 0, ValueError()))
    hooks.on_sends_refused(SendsRefused("t", 1, 3, ValueError()))
    text = metrics.text().decode()
    assert 'astra_worker_partitions_held_back_total{domain="trading"} 1.0' in text
    assert 'astra_worker_sends_refused_total{domain="trading"} 3.0' in text


def test_the_last_audit_of_each_partition_is_exported_by_rule() -> None:
    audits = [(3, Audit(at=5_000_000, breaches={"balanced": 0, "overdrawn": 2}))]
    text = WorkerMetrics(list, lambda: audits).text().decode()
    assert 'astra_ledger_breaches{partition="3",rule="overdrawn"} 2.0' in text
    assert 'astra_ledger_breaches{partition="3",rule="balanced"} 0.0' in text
    assert 'astra_ledger_audited_timestamp_seconds{partition="3"} 5.0' in text


def test_events_that_came_too_late_for_their_window_are_exported_by_interval() -> None:
    mark = Watermark(highest=5_000_000, dropped={"1h": 2})
    text = WorkerMetrics(list, watermarks=lambda: [("trading", 3, mark)]).text().decode()
    assert 'astra_worker_window_events_dropped_total{domain="trading",interval="1h",partition="3"} 2.0' in text
    assert 'astra_worker_watermark_timestamp_seconds{domain="trading",partition="3"} 5.0' in text
