"""`astratrade upgrade --check` on a running installation: the same code, another rule book, another code."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from agents.rulebook import packaged_text
from deploy.server import process
from streams import topics
from tables.domains import TOPOLOGY
from tests.e2e.children import Child
from tests.e2e.drained import wait_until_drained
from tests.e2e.fills import fill, new_user
from tests.e2e.pipeline import COMMAND_S, Pipeline
from tests.e2e.waiting import eventually
from tests.source import PYTHON_PATH, ROOT

SMALL, LARGE = {"notional_usd": "800.00", "size": "0.01230760", "fee_usd": "0.80"}, {"notional_usd": "1500.00"}
"""Fills that earn 10 and 15 XP at 100 USD an XP, and 10 XP both at 150 USD an XP."""
CHANGED_LINE = "notional // (rules.usd_per_xp * USD_UNIT)"


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    with Pipeline(tmp_path_factory.mktemp("upgrade"), workers=1) as running:
        yield running


@pytest.fixture(scope="module")
def users(pipeline: Pipeline) -> tuple[str, str]:
    """Return a user whose rows depend on the XP of a USD, and one whose rows do not."""
    large, small = new_user(), new_user()
    report(pipeline, large, LARGE)
    report(pipeline, small, SMALL)
    return large, small


def report(pipeline: Pipeline, user: str, size: dict[str, str]) -> None:
    body = {"fills": [fill(user, **size)]}
    pipeline.client("venue", "venue-1").post("/v1/fills", json=body).raise_for_status()
    wait_until_drained(pipeline, commands=1, within_s=30)


def ended(child: Child) -> int:
    """Wait until a command has ended; return its status."""
    eventually(lambda: child.exit_code is not None, within_s=COMMAND_S, what=f"{child.name} ends")
    assert child.exit_code is not None
    return child.exit_code


def checked(pipeline: Pipeline, *options: str, **settings: str) -> tuple[int, dict[str, Any]]:
    child = pipeline.start("upgrade", "upgrade", "--check", "--json", *options, **settings)
    child.ended_by_us = True  # a status that is not 0 is an answer
    status = ended(child)
    assert status in {0, 1}, child.last_words()
    return status, json.loads(child.output())


def check_xp_of(found: dict[str, Any], large: str, small: str) -> None:
    """Check that rows of the large fill's user differ, by its XP, and none of the small one's.

    Other tests report large fills of other users, enough of them for a level and what comes with it.
    """
    rows = {(row["table"], row["key"]): row["fields"] for row in found["rows"]}
    assert rows["gamification-progress", large]["xp"]["now"] - rows["gamification-progress", large]["xp"]["then"] == 5
    assert {table.partition("-")[0] for table, key in rows if large in key} <= {"gamification", "social", "user"}
    assert not [key for _, key in rows if small in key]
    assert {event["type"] for event in found["events"]} >= {"astra.gamification.XPGained.v1"}


@pytest.mark.heavy
def test_the_installed_code_would_change_no_row_of_a_log_that_it_wrote(
    pipeline: Pipeline, users: tuple[str, str]
) -> None:
    del users
    status, found = checked(pipeline)
    assert (status, found["rows"], found["events"]) == (0, [], [])
    assert found["rows_compared"] > len(TOPOLOGY.names)
    assert "0 rows differ" in pipeline.run("upgrade", "--check")


@pytest.mark.heavy
def test_another_rule_book_is_told_by_the_rows_that_it_would_change(
    pipeline: Pipeline, users: tuple[str, str], tmp_path: Path
) -> None:
    file = tmp_path / "changed.toml"
    file.write_text(
        packaged_text().replace("usd_per_xp = 100\n", "usd_per_xp = 150\n").replace("version = 1", "version = 2")
    )
    status, found = checked(pipeline, ASTRA_RULEBOOK=str(file))
    assert status == 1
    check_xp_of(found, *users)
    status, found = checked(pipeline, "--domain", "trading", "--domain", "financial", ASTRA_RULEBOOK=str(file))
    assert (status, found["rows"]) == (0, []), "a version of the rule book alone is no difference"


def test_another_code_is_told_by_the_rows_that_it_would_change(
    pipeline: Pipeline, users: tuple[str, str], tmp_path: Path
) -> None:
    for room in ("agents", "tables", "streams", "deploy", "api"):
        shutil.copytree(ROOT / room, tmp_path / room, ignore=shutil.ignore_patterns("__pycache__"))
    source = tmp_path / "agents" / "gamification" / "xp.py"
    text = source.read_text()
    assert CHANGED_LINE in text
    source.write_text(text.replace(CHANGED_LINE, "notional // (150 * USD_UNIT)"))
    environment = pipeline.environment(PYTHONPATH=f"{tmp_path}:{PYTHON_PATH}")
    output = tmp_path / "output"
    argv = [sys.executable, "-P", "-m", "deploy.cli.main", "upgrade", "--check", "--json"]
    with output.open("wb") as log:
        child = process.spawn(argv, env=environment, output=log)
        eventually(lambda: child.poll() is not None, within_s=COMMAND_S, what="the other code has checked")
    assert child.poll() == 1, output.read_text()
    check_xp_of(json.loads(output.read_text()), *users)


@pytest.mark.heavy
def test_a_check_from_a_recorded_moment_covers_what_came_after_it_while_traffic_goes_on(
    pipeline: Pipeline, users: tuple[str, str], tmp_path: Path
) -> None:
    file, later = tmp_path / "before.bin", new_user()
    pipeline.run("upgrade", "--record", str(file))
    assert file.stat().st_mode & 0o077 == 0, "rows are private"
    report(pipeline, users[1], SMALL)
    report(pipeline, later, LARGE)
    status, found = checked(pipeline, "--from", str(file))
    assert (status, found["rows"], found["events"]) == (0, [], [])
    whole = checked(pipeline)[1]
    assert 0 < found["records_read"] < whole["records_read"]
    waiting = pipeline.start("upgrade", "upgrade", "--check", "--json", "--for", "3s")
    while waiting.exit_code is None:
        pipeline.client("venue", "venue-1").post("/v1/fills", json={"fills": [fill(later)]}).raise_for_status()
    assert ended(waiting) == 0, waiting.last_words()
    assert json.loads(waiting.output())["records_read"] > 0


@pytest.mark.heavy
def test_a_check_needs_no_right_to_write(pipeline: Pipeline, users: tuple[str, str]) -> None:
    del users
    path = pipeline.server.url.removeprefix("unix://").partition("?")[0]
    with Redis(unix_socket_path=path) as admin:
        admin.execute_command("ACL", "SETUSER", "reader", "on", ">secret", "~*", "+@read", "+info", "+multi", "+exec")
    status, found = checked(pipeline, ASTRA_BROKER_URL=pipeline.server.url.replace("unix://", "unix://reader:secret@"))
    assert (status, found["rows"]) == (0, [])


@pytest.mark.heavy
def test_a_span_without_a_record_is_not_checked(pipeline: Pipeline, tmp_path: Path) -> None:
    file = tmp_path / "before.bin"
    pipeline.run("upgrade", "--record", str(file))
    child = pipeline.start("upgrade", "upgrade", "--check", "--from", str(file))
    child.ended_by_us = True
    assert ended(child) == 2
    assert "processed no record" in child.output()


@pytest.mark.heavy
def test_a_log_that_does_not_reach_back_is_not_checked_and_says_what_it_lacks(
    pipeline: Pipeline, users: tuple[str, str]
) -> None:
    del users
    path = pipeline.server.url.removeprefix("unix://").partition("?")[0]
    streams = [f"{{astra}}:log:{topics.TRADING_EVENTS}:{partition}" for partition in range(4)]
    with Redis(unix_socket_path=path) as redis:
        kept = {stream: redis.dump(stream) for stream in streams}
        for stream in streams:
            redis.execute_command("XTRIM", stream, "MAXLEN", 0)
        child = pipeline.start("upgrade", "upgrade", "--check")
        child.ended_by_us = True
        status = ended(child)
        for stream, value in kept.items():
            if value is not None:
                redis.restore(stream, 0, value, replace=True)
    assert status == 2, child.last_words()
    assert topics.TRADING_EVENTS in child.output()
    assert "--record" in child.output()
