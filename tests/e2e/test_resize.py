"""Topics get more partitions while fills come in: what is served equals the oracle, whoever is killed meanwhile."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest
from faust_redis.log import Log
from faust_redis.resizing import InProgress, finished, in_progress

from streams.topics import NAMESPACE
from tests.bench.synthetic import write_fills
from tests.e2e.children import Child
from tests.e2e.pipeline import Pipeline
from tests.e2e.test_equals_the_oracle import DRAIN_S, compare, finish, right_answer, wait_until_partly_done
from tests.e2e.waiting import eventually
from tests.support.aside import run_aside

pytestmark = pytest.mark.slow

FILLS, USERS = 600, 40


def phase(pipeline: Pipeline) -> InProgress | None:
    async def ask() -> InProgress | None:
        async with Log(pipeline.broker_url, NAMESPACE) as log:
            return await in_progress(log)

    return run_aside(ask())


def resizes(pipeline: Pipeline) -> list[tuple[int, int]]:
    async def ask() -> list[tuple[int, int]]:
        async with Log(pipeline.broker_url, NAMESPACE) as log:
            return [(one.old, one.new) for one in await finished(log)]

    return run_aside(ask())


def resize(pipeline: Pipeline, old: int, new: int) -> Child:
    return pipeline.start(f"resize-{old}-{time.monotonic_ns()}", "partitions", "resize", str(old), str(new))


def resize_to_its_end(pipeline: Pipeline, old: int, new: int) -> None:
    """Run the command until it succeeds: the lease of one that was killed has to run out."""

    def done() -> bool:
        child = resize(pipeline, old, new)
        eventually(lambda: child.exit_code is not None, within_s=DRAIN_S, what="the resize ends")
        ended = child.exit_code
        child.kill()  # so that its status is no fault of the pipeline
        return ended == 0

    eventually(done, within_s=DRAIN_S, what=f"{old} partitions become {new}")


def test_a_resize_under_load_equals_the_oracle_though_it_and_a_worker_are_killed(tmp_path: Path) -> None:
    file = write_fills(tmp_path / "fills.csv", fills=FILLS, users=USERS)
    right, fills = right_answer(file)
    with Pipeline(tmp_path, workers=2, partitions=4) as pipeline:
        replay = pipeline.start("replay", "replay", str(file), "--batch", "20", "--rate", "60")
        wait_until_partly_done(pipeline, fills)
        killed = resize(pipeline, 4, 32)
        eventually(lambda: phase(pipeline) is not None or killed.exit_code == 0, within_s=DRAIN_S, what="it has begun")
        killed.kill()
        pipeline.workers[0].kill()
        pipeline.start_worker()
        resize_to_its_end(pipeline, 4, 32)
        assert replay.exit_code is None, "fills come in when the resize ends"
        finish(pipeline, replay, fills)
        compare(pipeline, right, page_rows=7)
        pipeline.run("replay", str(file), "--batch", "137")
        compare(pipeline, right, page_rows=50)
        pipeline.run("audit", "ledger")
        assert "0 rows differ" in pipeline.run("upgrade", "--check"), "the log gives all rows, across the resize"


@pytest.mark.heavy
@pytest.mark.parametrize("after_s", [0.0, 0.05, 0.1, 0.2, 0.3, 0.5])
def test_a_resize_that_is_killed_at_some_moment_equals_the_oracle(tmp_path: Path, after_s: float) -> None:
    """Double the partitions three times under load. Kill each resize so long after it has closed the topics."""
    file = write_fills(tmp_path / "fills.csv", fills=FILLS, users=USERS)
    right, fills = right_answer(file)
    with Pipeline(tmp_path, workers=2, partitions=4) as pipeline:
        replay = pipeline.start("replay", "replay", str(file), "--batch", "20", "--rate", "15")
        for old in (4, 8, 16):
            child = resize(pipeline, old, 2 * old)
            eventually(
                lambda child=child: phase(pipeline) is not None or child.exit_code is not None,  # type: ignore[misc]
                within_s=DRAIN_S,
                what="it has begun",
            )
            asyncio.run(asyncio.sleep(after_s))
            child.kill()
            resize_to_its_end(pipeline, old, 2 * old)
        finish(pipeline, replay, fills)
        compare(pipeline, right, page_rows=7)
        assert resizes(pipeline) == [(4, 8), (8, 16), (16, 32)]


@pytest.mark.heavy
def test_three_shards_are_resized_under_load(tmp_path: Path) -> None:
    file = write_fills(tmp_path / "fills.csv", fills=600, users=40)
    right, fills = right_answer(file)
    with Pipeline(tmp_path, shards=3, partitions=3) as pipeline:
        replay = pipeline.start("replay", "replay", str(file), "--batch", "20", "--rate", "60")
        wait_until_partly_done(pipeline, fills)
        resize_to_its_end_on_shards(pipeline)
        finish(pipeline, replay, fills)
        compare(pipeline, right, page_rows=7)
        assert "0 rows differ" in pipeline.run("upgrade", "--check")


def resize_to_its_end_on_shards(pipeline: Pipeline) -> None:
    out = pipeline.run("partitions", "resize", "3", "12")
    assert "3 to 12 partitions" in out, out
