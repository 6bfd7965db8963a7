"""`astratrade trace` and `astratrade why`: from a request to its effects, and from a row back to its requests."""

from __future__ import annotations

import json
from typing import Any

from tests.e2e.fills import fill, new_user
from tests.e2e.pipeline import Pipeline


def report(pipeline: Pipeline, user: str, number: int) -> dict[str, Any]:
    body = {"fills": [fill(user, fill_id=f"f-{number}", trade_id=f"t-{number}")]}
    accepted = pipeline.client("venue", "venue-1").post("/v1/fills", json=body)
    answer: dict[str, Any] = accepted.raise_for_status().json()
    shown = pipeline.client("admin", "auditor").get(
        f"/v1/users/{user}/progress", params={"after": answer["position"], "wait_ms": 30_000}
    )
    shown.raise_for_status()
    return answer


def test_a_request_is_followed_to_all_its_effects_and_a_row_back_to_its_requests(running: Pipeline) -> None:
    user, other = new_user(), new_user()
    first = report(running, user, 1)
    report(running, other, 2)
    report(running, user, 3)
    found = json.loads(running.run("trace", first["events"][0]["event_id"], "--format", "json"))
    events = [one["event"] for one in found["events"]]
    kinds = {event["type"].split(".")[2] for event in events}
    assert found["event"] == first["events"][0]["event_id"]
    [root] = [event for event in events if "causationid" not in event]
    assert root["id"] == found["event"]
    assert {"ReportFill", "TradeExecuted", "FeeAccrued", "XPGained", "AchievementUnlocked", "NFTEligible"} <= kinds
    assert {event["partitionkey"] for event in events} == {user}
    deepest = next(event for event in events if event["type"].startswith("astra.nft"))
    text = running.run("trace", deepest["id"])
    assert f"* NFTEligible  {user}" in text
    assert text.startswith(f"ReportFill  {user}")

    why = running.run("why", "gamification-progress", user)
    head, *lines = why.splitlines()
    assert head.endswith(": 2 events")
    assert [line.split()[0] for line in lines] == ["TradeExecuted", "└─", "TradeExecuted", "└─"]
    assert [line.split()[2] for line in lines[1::2]] == ["ReportFill"] * 2
    assert first["events"][0]["event_id"] in lines[1]
    assert "does not follow" not in why
