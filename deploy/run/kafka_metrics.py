"""Metrics of a worker on Kafka: what Faust's own driver reports to a sensor, and the hooks of batch agents.

Faust reports neither how many records a commit wrote nor how many a recovery read. It has no retries, no dead letters
and no partitions that are held back.
"""

from __future__ import annotations

from time import monotonic
from typing import Any

import faust
from faust_redis.hooks import add_hooks

from deploy.run.worker_metrics import WorkerMetrics


class FaustSensor(faust.Sensor):
    """Counts the commits, rebalances and recoveries of one domain's app."""

    def __init__(self, app: faust.App, metrics: WorkerMetrics, domain: str) -> None:
        super().__init__()
        self._faust_app = app
        self._commit_seconds = metrics.commit_seconds.labels(domain)
        self._rebalances = metrics.rebalances.labels(domain)
        self._recovery_seconds = metrics.recovery_seconds.labels(domain)
        self._assigned_s: float | None = None

    def on_commit_initiated(self, consumer: Any) -> tuple[float, dict[Any, int]]:
        """Return the time and the offsets before the commit."""
        return monotonic(), self._committed()

    def on_commit_completed(self, consumer: Any, state: tuple[float, dict[Any, int]]) -> None:
        """Observe a commit. Faust also reports a commit that had no offsets to write."""
        began_s, before = state
        if self._committed() != before:
            self._commit_seconds.observe(monotonic() - began_s)

    def on_rebalance_return(self, app: Any, state: Any) -> None:
        """Count an assignment. Recovery of its tables begins now."""
        self._rebalances.inc()
        self._assigned_s = monotonic()

    def on_rebalance_end(self, app: Any, state: Any) -> None:
        """Observe a recovery."""
        if self._assigned_s is not None:
            self._recovery_seconds.observe(monotonic() - self._assigned_s)
            self._assigned_s = None

    def _committed(self) -> dict[Any, int]:
        return dict(self._faust_app.monitor.tp_committed_offsets)


def observe_on_kafka(app: faust.App, metrics: WorkerMetrics, domain: str) -> None:
    """Make an app on Kafka report to the worker's metrics. Call this before the app starts."""
    app.sensors.add(FaustSensor(app, metrics, domain))
    add_hooks(app, metrics.batch_hooks(domain))
