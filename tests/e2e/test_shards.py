"""The product on three brokers: what it serves equals the oracle, though shards and their workers are killed."""

from __future__ import annotations

from pathlib import Path

import pytest
from faust_redis.log.partitioner import partition_for

from tests.bench.synthetic import write_fills
from tests.e2e.fills import fill
from tests.e2e.pipeline import Pipeline
from tests.e2e.test_equals_the_oracle import DRAIN_S, compare, finish, right_answer, wait_until_partly_done
from tests.e2e.waiting import eventually

pytestmark = pytest.mark.slow

SHARDS = 3
PARTITIONS = 6


def test_three_shards_equal_the_oracle_though_one_of_each_is_killed(tmp_path: Path) -> None:
    file = write_fills(tmp_path / "fills.csv", fills=600, users=40)
    right, fills = right_answer(file)
    with Pipeline(tmp_path, shards=SHARDS, partitions=PARTITIONS) as pipeline:
        replay = pipeline.start("replay", "replay", str(file), "--batch", "20")
        wait_until_partly_done(pipeline, fills)
        pipeline.workers[1].kill()
        pipeline.kill_server(2)
        pipeline.restart_server(2)
        pipeline.start_worker(ASTRA_SHARD="1")
        finish(pipeline, replay, fills)
        compare(pipeline, right, page_rows=7)


def user_on(shard: int, shards: int) -> str:
    """Return a user whose partition is on a shard."""
    names = (f"user-{number}" for number in range(1_000))
    return next(name for name in names if partition_for(name.encode(), PARTITIONS) % shards == shard)


def test_a_shard_that_is_away_stops_no_user_of_another(tmp_path: Path) -> None:
    with Pipeline(tmp_path, shards=2, partitions=PARTITIONS) as pipeline:
        here, there = user_on(0, 2), user_on(1, 2)
        venue, auditor = pipeline.client("venue", "venue-1"), pipeline.client("admin", "auditor")

        def report(user: str) -> int:
            headers = {"Idempotency-Key": f"{user}-{len(sent)}"}
            answer = venue.post("/v1/fills", json={"fills": [fill(user)]}, headers=headers)
            sent.append(user)
            return answer.status_code

        def progress(user: str) -> int:
            return auditor.get(f"/v1/users/{user}/progress").status_code

        sent: list[str] = []
        assert [report(here), report(there)] == [202, 202]
        eventually(lambda: progress(here) == progress(there) == 200, within_s=DRAIN_S, what="both are there")
        pipeline.kill_server(1)
        before = auditor.get(f"/v1/users/{here}/progress").json()["trades"]
        assert report(here) == 202
        assert report(there) == 503
        eventually(
            lambda: auditor.get(f"/v1/users/{here}/progress").json()["trades"] > before,
            within_s=DRAIN_S,
            what="the fill of the user whose shard is there is processed",
        )
        assert progress(there) == 503
        assert auditor.get("/readyz").status_code == 200
        pipeline.restart_server(1)
        eventually(lambda: report(there) == 202, within_s=DRAIN_S, what="the shard takes commands again")
        eventually(lambda: progress(there) == 200, within_s=DRAIN_S, what="its users go on")
