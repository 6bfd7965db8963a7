"""The product on three brokers: what it serves equals the oracle, though shards and their workers are killed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bench.synthetic import write_fills
from tests.e2e.pipeline import Pipeline
from tests.e2e.test_equals_the_oracle import compare, finish, right_answer, wait_until_partly_done

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
