"""The product over a log whose events, ticks and changes are trimmed after a second, and archived."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from typing import Any

import pytest
from faust_redis.log import Log

from streams import topics
from streams.topology import changelog_topic
from tests.e2e.drained import wait_until_drained
from tests.e2e.fills import fill, new_user
from tests.e2e.pipeline import Pipeline
from tests.e2e.waiting import eventually
from tests.support.aside import run_aside

SECOND_MS = "1000"
TRIMMED = (topics.TRADING_COMMANDS, topics.TRADING_EVENTS, changelog_topic("astratrade", "gamification-progress"))

pytestmark = pytest.mark.heavy


class Archived(Pipeline):
    """A pipeline that archives."""

    def environment(self, **settings: str) -> dict[str, str]:
        """Return the environment of a process, with an archive and a short hot span."""
        own = {
            "ASTRA_ARCHIVE": str(self.directory / "archive"),
            "ASTRA_ARCHIVE_INTERVAL_S": "1",
            "ASTRA_RETENTION_MS": SECOND_MS,
            "ASTRA_TAIL_MS": SECOND_MS,
            "ASTRA_CLOCK_RETENTION_MS": SECOND_MS,
        }
        return super().environment(**{**own, **settings})


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archived]:
    with Archived(tmp_path_factory.mktemp("archived"), workers=1) as running:
        running.start("archive", "archive")
        running.start("clock", "clock")
        yield running


def report(pipeline: Pipeline, user: str, number: int) -> dict[str, Any]:
    body = {"fills": [fill(user, fill_id=f"f-{number}", trade_id=f"t-{number}")]}
    accepted = pipeline.client("venue", "venue-1").post("/v1/fills", json=body).raise_for_status().json()
    shown = pipeline.client("admin", "auditor").get(
        f"/v1/users/{user}/progress", params={"after": accepted["position"], "wait_ms": 30_000}
    )
    answer: dict[str, Any] = shown.raise_for_status().json()
    return answer | {"event_id": accepted["events"][0]["event_id"]}


def begins(pipeline: Pipeline) -> dict[str, dict[int, int]]:
    """Return where the broker alone begins each of some topics."""

    async def ask() -> dict[str, dict[int, int]]:
        async with Log(pipeline.broker_url, "astra") as log:
            return {topic: await log.beginning_offsets(topic) for topic in TRIMMED}

    return run_aside(ask())


def test_everything_that_reads_by_offset_reaches_what_is_trimmed(pipeline: Archived) -> None:
    user = new_user()
    first = report(pipeline, user, 1)
    report(pipeline, user, 2)
    others, numbers = [new_user() for _ in range(8)], itertools.count()

    def is_trimmed() -> bool:
        for other in others:
            report(pipeline, other, next(numbers))
        return all(any(begin > 0 for begin in partitions.values()) for partitions in begins(pipeline).values())

    eventually(is_trimmed, within_s=120, what="the broker has trimmed some records of each topic")
    wait_until_drained(pipeline, commands=1, within_s=30)

    found = json.loads(pipeline.run("trace", first["event_id"], "--format", "json"))
    assert {"ReportFill", "TradeExecuted", "XPGained"} <= {
        one["event"]["type"].split(".")[2] for one in found["events"]
    }
    why = pipeline.run("why", "gamification-progress", user)
    assert why.splitlines()[0].endswith(": 2 events")
    assert "does not follow" not in why
    then = json.loads(pipeline.run("tables", "get", "gamification-progress", user, "--at", first["position"]))
    now = json.loads(pipeline.run("tables", "get", "gamification-progress", user))
    assert then["xp"] < now["xp"]
    asked = pipeline.client("user", user).get(f"/v1/users/{user}/progress", params={"at": first["position"]})
    assert asked.raise_for_status().json()["xp"] == first["xp"]
    differing = json.loads(pipeline.run("upgrade", "--check", "--json"))
    assert (differing["rows"], differing["failures"]) == ([], [])
    assert "records in" in pipeline.run("archive", "verify")
    rows = pipeline.run("history", "--format", "json", f"SELECT DISTINCT type FROM events WHERE key = '{user}'")
    assert "astra.trading.ReportFill.v1" in {json.loads(line)["type"] for line in rows.splitlines()}
