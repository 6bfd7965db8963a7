"""The main job on Kafka: fills through the API to Kafka, agents, bridge and back; the answers equal the oracle."""

import csv
import shutil
import time
from decimal import Decimal
from pathlib import Path

import httpx
import pytest

from tests.bench.synthetic import write_fills
from tests.e2e.drained import wait_until_drained
from tests.e2e.fills import fill, new_user
from tests.e2e.test_equals_the_oracle import compare, finish, right_answer, wait_until_partly_done
from tests.e2e.trader import Trader, accepted, post_price
from tests.e2e.waiting import eventually
from tests.kafka.pipeline import LEASE_MS, KafkaPipeline

pytestmark = [pytest.mark.kafka, pytest.mark.slow]

FILLS, USERS = 80, 12
FEW_FILLS, FEW_USERS = 120, 12
DRAIN_S = 120.0

WRONG_ENDS = pytest.mark.fault("tansu", "ListOffsets answers the base offset of the last batch + 1 as the end")
DEAD_LEADER = pytest.mark.fault("noida", "a group whose leader was killed is never recovered")


@pytest.fixture
def fills(tmp_path: Path) -> Path:
    """Return a generated file: users in every partition, ties to break, trades over midnight."""
    return write_fills(tmp_path / "fills.csv", fills=FILLS, users=USERS)


@pytest.fixture
def few_fills(tmp_path: Path) -> Path:
    """Return a smaller file, for tests that restart workers."""
    return write_fills(tmp_path / "fills.csv", fills=FEW_FILLS, users=FEW_USERS)


def parts_of(fills: Path, count: int) -> list[Path]:
    """Return the same fills as several files, in their order."""
    with fills.open(newline="") as file:
        head, *rows = csv.reader(file)
    files = []
    for number in range(count):
        part = fills.with_name(f"part-{number}.csv")
        with part.open("w", newline="") as out:
            chosen = rows[number * len(rows) // count : (number + 1) * len(rows) // count]
            csv.writer(out, lineterminator="\n").writerows([head, *chosen])
        files.append(part)
    return files


def replay(pipeline: KafkaPipeline, file: Path, total: int, *more: str) -> None:
    """Replay a file, and wait until `total` fills of all replays are processed and shown."""
    pipeline.run("replay", str(file), *more)
    wait_until_drained(pipeline, commands=total, within_s=DRAIN_S)


def test_everything_served_on_kafka_equals_the_oracle_and_commands_are_read_back_with_after(
    tmp_path: Path, bootstrap: str, fills: Path
) -> None:
    right, count = right_answer(fills)
    with KafkaPipeline(tmp_path, bootstrap) as pipeline:
        finish(pipeline, pipeline.start("replay", "replay", str(fills)), count)
        compare(pipeline, right, page_rows=50)
        report_and_read_back(pipeline)
        trade_and_read_back(pipeline)


def report_and_read_back(pipeline: KafkaPipeline) -> None:
    user, venue = new_user(), pipeline.client("venue", "venue-1")
    for number in range(1, 4):
        written = accepted(venue.post("/v1/fills", json={"fills": [fill(user)]}))
        seen = venue.get(f"/v1/users/{user}/progress", params={"after": written["position"], "wait_ms": 20_000})
        assert seen.status_code == httpx.codes.OK, seen.text
        assert seen.json()["trades"] == number


def trade_and_read_back(pipeline: KafkaPipeline) -> None:
    post_price(pipeline, "BTC", "65000")
    trader = Trader.new(pipeline)
    opened = trader.open("BTC", notional_usd="1000.00")
    held = trader.position("BTC")
    assert held is not None
    assert Decimal(held["quantity"]) > 0
    trader.close(opened["trade_id"])
    left = trader.position("BTC")
    assert left is None or Decimal(left["quantity"]) == 0


@pytest.mark.gate("over a minute")
@WRONG_ENDS
def test_a_bridge_killed_in_the_middle_loses_and_doubles_nothing(tmp_path: Path, bootstrap: str, fills: Path) -> None:
    right, count = right_answer(fills)
    with KafkaPipeline(tmp_path, bootstrap) as pipeline:
        replaying = pipeline.start("replay", "replay", str(fills), "--batch", "20")
        for _ in range(2):
            wait_until_partly_done(pipeline, count // 4)
            pipeline.bridges[-1].kill()
            pipeline.start_bridge()
        finish(pipeline, replaying, count)
        compare(pipeline, right, page_rows=50)


@pytest.mark.gate("half a minute")
@WRONG_ENDS
def test_a_worker_restarted_with_and_without_its_local_state_has_the_right_tables(
    tmp_path: Path, bootstrap: str, few_fills: Path
) -> None:
    right, count = right_answer(few_fills)
    with KafkaPipeline(tmp_path, bootstrap) as pipeline:
        for number, part in enumerate(parts_of(few_fills, 2), start=1):
            replay(pipeline, part, count * number // 2)
            assert pipeline.workers[-1].stop()
            if number == 2:
                shutil.rmtree(pipeline.directory / "workers")
            pipeline.start_worker()
        replay(pipeline, part, count + count // 2, "--batch", "37")  # The same fills in other requests change nothing.
        compare(pipeline, right, page_rows=50)


@WRONG_ENDS
@DEAD_LEADER
def test_a_worker_killed_at_rest_has_the_right_tables(tmp_path: Path, bootstrap: str, few_fills: Path) -> None:
    right, count = right_answer(few_fills)
    with KafkaPipeline(tmp_path, bootstrap) as pipeline:
        for number, part in enumerate(parts_of(few_fills, 2), start=1):
            replay(pipeline, part, count * number // 2)
            pipeline.workers[-1].kill()
            if number == 2:
                shutil.rmtree(pipeline.directory / "workers")
            pipeline.start_worker()
        replay(pipeline, part, count + count // 2, "--batch", "37")  # The same fills in other requests change nothing.
        compare(pipeline, right, page_rows=50)


@WRONG_ENDS
@DEAD_LEADER
def test_a_worker_killed_in_the_middle_takes_nothing_back_and_the_rest_is_processed(
    tmp_path: Path, bootstrap: str, fills: Path
) -> None:
    """Delivery is at least once: an event in flight at the kill may count twice or in part."""
    right, count = right_answer(fills)
    users = sorted({name.split()[1] for name in right if name.startswith("progress ")})
    with KafkaPipeline(tmp_path, bootstrap) as pipeline:
        replaying = pipeline.start("replay", "replay", str(fills), "--batch", "20")
        wait_until_partly_done(pipeline, count)
        pipeline.workers[-1].kill()
        auditor = pipeline.client("admin", "auditor")
        before = {user: _trades(auditor, user) for user in users}
        time.sleep(LEASE_MS / 1000)  # Kafka keeps the dead member until its session ends.
        pipeline.start_worker()
        wait_until_drained(pipeline, commands=count, within_s=DRAIN_S)
        eventually(lambda: replaying.exit_code is not None, within_s=DRAIN_S, what="the replay ends")
        after = {user: _trades(auditor, user) for user in users}
        assert all(after[user] >= before[user] for user in users)
        assert sum(after.values()) >= sum(before.values())


def _trades(client: httpx.Client, user: str) -> int:
    answer = client.get(f"/v1/users/{user}/progress")
    return int(answer.json()["trades"]) if answer.status_code == httpx.codes.OK else 0
