"""A worker's heartbeat tells the commits of its domains."""

from __future__ import annotations

from faust_redis.hooks import Committed

from deploy.run.commit_rates import CommitRates
from deploy.run.worker_metrics import WorkerMetrics


def test_commits_a_second_and_their_mean_time_are_those_of_the_last_seconds() -> None:
    metrics = WorkerMetrics(list)
    rates = CommitRates(metrics.commit_seconds)
    trading, social = metrics.hooks("trading"), metrics.hooks("social")
    assert rates.described(0) == {"commits": {}}, "one sample says nothing"
    for _ in range(10):
        trading.on_commit(Committed(records=3, offsets={}, duration_s=0.004))
    still = {"per_second": 0.0, "mean_ms": None}
    assert rates.described(2_000) == {"commits": {"trading": {"per_second": 5.0, "mean_ms": 4.0}, "social": still}}
    social.on_commit(Committed(records=1, offsets={}, duration_s=0.5))
    assert rates.described(30_000)["commits"]["trading"] == {"per_second": 0.0, "mean_ms": None}
