"""One fail-over of a replicated broker; `python -m tests.failover` runs each configuration."""

from __future__ import annotations

from pathlib import Path

import pytest
from faust_redis.admin.doctor import broker_findings
from faust_redis.log import Log

from tests.failover.brokers import Brokers
from tests.failover.run import Case, run


@pytest.mark.slow
@pytest.mark.heavy
def test_what_a_fail_over_loses_is_told_and_everything_counts_once_when_it_is_sent_again(tmp_path: Path) -> None:
    result = run(Case(0, "everysec", "behind", down_after_ms=500), tmp_path, print, workers=1, returns=False)
    assert not result.failures, result.failures
    assert result.lost > 0, "the replica was cut off, and clients had answers"
    assert result.told == result.lost


async def test_the_doctor_warns_of_a_primary_that_waits_for_no_replica(tmp_path: Path) -> None:
    with Brokers(tmp_path, min_replicas=0, fsync="everysec") as brokers:
        assert await _replication(brokers.url) == "warn"
        brokers.ask(brokers.ports[0], "CONFIG", "SET", "min-replicas-to-write", 1)
        assert await _replication(brokers.url) == "ok"
        assert await _replication(f"redis://127.0.0.1:{brokers.ports[1]}") == "fail"


async def _replication(url: str) -> str:
    async with Log(url, "astra") as log:
        return {finding.name: finding.level async for finding in broker_findings(log)}["replication"]
