"""After a replay, everything that the API serves equals the oracle exactly, whatever faults happened."""

import asyncio
import shutil
from collections import Counter
from pathlib import Path

import httpx
import pytest
import redis

from deploy.settings import DATABASE_FILE
from streams import topics
from streams.topics import NAMESPACE
from tests.bench.synthetic import write_fills
from tests.e2e.children import Child
from tests.e2e.drained import processed_now, wait_until_drained
from tests.e2e.facts import Facts, assert_equal, expected
from tests.e2e.files import full_file
from tests.e2e.pipeline import LEASE_MS, Pipeline
from tests.e2e.served import served
from tests.e2e.trader import events_of
from tests.e2e.waiting import eventually
from tests.oracle.fills import read_fills
from tests.oracle.fold import fold
from tests.outbox.folding import wait_until_folds_are_equal

pytestmark = pytest.mark.slow

DRAIN_S = 120.0
LOG_FILES = "appendonlydir"
MANY_FILLS, MANY_USERS = 240, 30
STEPS = 5


@pytest.fixture
def many_users(tmp_path: Path) -> Path:
    """Return a generated file: users for every partition, ties to break, several pages."""
    return write_fills(tmp_path / "fills.csv", fills=MANY_FILLS, users=MANY_USERS)


def right_answer(file: Path) -> tuple[Facts, int]:
    totals = fold(read_fills(file))
    return expected(totals), totals.fills


def finish(pipeline: Pipeline, replay: Child, fills: int) -> None:
    """Wait for the replay's end and for all effects of its fills."""
    eventually(lambda: replay.exit_code is not None, within_s=DRAIN_S, what="the replay ends")
    assert replay.exit_code == 0, replay.last_words()
    wait_until_drained(pipeline, commands=fills, within_s=DRAIN_S)
    for topic in (topics.TRADING_EVENTS, topics.GAMIFICATION_EVENTS, topics.FINANCIAL_FEES):
        ids = Counter(event["id"] for event in events_of(pipeline, topic))
        assert [one for one, times in ids.items() if times > 1] == [], f"events that stand twice in {topic}"


def compare(pipeline: Pipeline, right: Facts, *, page_rows: int = 2) -> None:
    assert_equal(right, served(pipeline.client("admin", "auditor"), right, page_rows=page_rows))


def replay_and_compare(pipeline: Pipeline, file: Path, *, page_rows: int = 2) -> Facts:
    right, fills = right_answer(file)
    finish(pipeline, pipeline.start("replay", "replay", str(file)), fills)
    compare(pipeline, right, page_rows=page_rows)
    return right


def wait_until_partly_done(pipeline: Pipeline, fills: int) -> None:
    eventually(
        lambda: processed_now(pipeline.broker_url) >= fills // 4, within_s=DRAIN_S, what="a quarter is processed"
    )


@pytest.mark.heavy
def test_many_users_on_three_workers_equal_the_oracle_and_replaying_again_changes_nothing(
    tmp_path: Path, many_users: Path
) -> None:
    with Pipeline(tmp_path, workers=3) as pipeline:
        right = replay_and_compare(pipeline, many_users, page_rows=7)
        pipeline.run("replay", str(many_users))
        compare(pipeline, right, page_rows=50)
        pipeline.run("replay", str(many_users), "--batch", "137")
        wait_until_drained(pipeline, commands=2 * MANY_FILLS, within_s=DRAIN_S)
        compare(pipeline, right, page_rows=50)


@pytest.mark.heavy
def test_a_worker_paused_past_its_lease_writes_nothing_late(tmp_path: Path, many_users: Path) -> None:
    right, fills = right_answer(many_users)
    with Pipeline(tmp_path, workers=2) as pipeline:
        replay = pipeline.start("replay", "replay", str(many_users))
        wait_until_partly_done(pipeline, fills)
        pipeline.workers[0].pause()
        finish(pipeline, replay, fills)
        pipeline.workers[0].resume()
        compare(pipeline, right, page_rows=50)
        pipeline.wait_until_ready()
        pipeline.run("replay", str(many_users), "--batch", "137")
        finish(pipeline, replay, 2 * fills)
        compare(pipeline, right, page_rows=50)


@pytest.mark.heavy
def test_workers_killed_and_stopped_again_and_again_lose_and_double_nothing(tmp_path: Path) -> None:
    """The last of the workers that go is asked to stop, and must go by itself."""
    right, fills = right_answer(full_file())
    with Pipeline(tmp_path, workers=3) as pipeline:
        replay = pipeline.start("replay", "replay", str(full_file()))
        for step in range(1, STEPS + 1):
            due = fills * step // (STEPS + 2)
            eventually(
                lambda due=due: processed_now(pipeline.broker_url) >= due,  # type: ignore[misc]
                within_s=DRAIN_S,
                what=f"{due} fills are processed",
            )
            leaving = pipeline.workers[step % len(pipeline.workers)]
            if step < STEPS:
                leaving.kill()
            else:
                assert leaving.stop(), "a worker that is asked to stop goes by itself"
            pipeline.start_worker()
        finish(pipeline, replay, fills)
        compare(pipeline, right)


@pytest.mark.heavy
def test_the_broker_killed_in_the_middle_comes_back_with_everything(tmp_path: Path, many_users: Path) -> None:
    right, fills = right_answer(many_users)
    with Pipeline(tmp_path, workers=2) as pipeline:
        replay = pipeline.start("replay", "replay", str(many_users))
        wait_until_partly_done(pipeline, fills)
        kill_servers(pipeline)
        restart_servers(pipeline)
        finish(pipeline, replay, fills)
        compare(pipeline, right, page_rows=50)


def kill_servers(pipeline: Pipeline) -> None:
    """Kill the broker, or those of all shards."""
    for shard in range(len(pipeline.servers)):
        pipeline.kill_server(shard)


def restart_servers(pipeline: Pipeline) -> None:
    for shard in range(len(pipeline.servers)):
        pipeline.restart_server(shard)


@pytest.mark.parametrize(
    "lease_ms",
    [
        pytest.param(LEASE_MS, id="leases over", marks=pytest.mark.heavy),
        pytest.param(300_000, id="leases still running"),
    ],
)
@pytest.mark.heavy
def test_a_broker_rolled_back_to_an_earlier_state_is_noticed_and_fills_sent_again_count_again(
    tmp_path: Path, many_users: Path, lease_ms: int
) -> None:
    """A crash under `appendfsync everysec` or a restored backup rolls the broker back; workers drop later state."""
    right, fills = right_answer(many_users)
    with Pipeline(tmp_path, workers=1, lease_ms=lease_ms) as pipeline:
        early = write_fills(tmp_path / "early.csv", fills=100, users=50, prefix="early")
        finish(pipeline, pipeline.start("replay", "replay", str(early)), 100)
        kill_servers(pipeline)
        for number, server in enumerate(pipeline.servers):
            shutil.copytree(server.directory / LOG_FILES, tmp_path / "backup" / str(number))
        restart_servers(pipeline)
        pipeline.wait_until_ready()
        finish(pipeline, pipeline.start("replay", "replay", str(many_users)), fills + 100)
        kill_servers(pipeline)
        for number, server in enumerate(pipeline.servers):
            shutil.rmtree(server.directory / LOG_FILES)
            shutil.copytree(tmp_path / "backup" / str(number), server.directory / LOG_FILES)
        restart_servers(pipeline)
        pipeline.wait_until_ready()
        finish(pipeline, pipeline.start("replay", "replay", str(many_users)), fills + 100)
        assert_within(right, served(pipeline.client("admin", "auditor"), right, page_rows=50))


@pytest.mark.heavy
def test_a_flushed_broker_gets_the_accounts_by_the_relay_and_the_fills_by_their_sender(tmp_path: Path) -> None:
    file = write_fills(tmp_path / "fills.csv", fills=200, users=20)
    right, fills = right_answer(file)
    with Pipeline(tmp_path, workers=1) as pipeline:
        pipeline.start("relay", "relay", ASTRA_RELAY_PORT="0")
        register(pipeline, "ada")
        finish(pipeline, pipeline.start("replay", "replay", str(file)), fills)
        for server in pipeline.servers:
            with redis.Redis.from_url(server.url) as broker:
                broker.flushall()
        register(pipeline, "bob")
        pipeline.wait_until_ready()
        finish(pipeline, pipeline.start("replay", "replay", str(file)), fills)
        compare(pipeline, right, page_rows=50)
        database = f"sqlite:///{pipeline.directory / DATABASE_FILE}"
        asyncio.run(wait_until_folds_are_equal(pipeline.broker_url, NAMESPACE, database))


def register(pipeline: Pipeline, name: str) -> None:
    with pipeline.client_with(None) as client:
        body = {"username": name, "password": "walnut harbour trombone"}
        assert client.post("/v1/auth/register", json=body).status_code == httpx.codes.CREATED


def assert_within(right: Facts, found: Facts) -> None:
    """Check that the users of the early file have no part in these facts."""
    mine = {name: value for name, value in right.items() if name.startswith(("progress ", "position "))}
    assert_equal(mine, {name: value for name, value in found.items() if name in mine})
