"""A venue's fill has one effect, however often, whenever and for whomever its id is reported again."""

from typing import Any

from streams import topics
from tests.e2e.fills import fill, new_user
from tests.e2e.pipeline import Pipeline
from tests.e2e.trader import events_of, kind


def report(pipeline: Pipeline, **fields: Any) -> str:
    answer = pipeline.client("venue", "venue-1").post("/v1/fills", json={"fills": [fields]})
    assert answer.status_code == 202, answer.text
    return str(answer.json()["position"])


def volume(pipeline: Pipeline, user: str, after: str) -> str:
    client = pipeline.client("admin", "auditor")
    answer = client.get(f"/v1/users/{user}/progress", params={"after": after, "wait_ms": 20_000})
    return str(answer.json()["volume_usd"])


def test_a_fill_reported_again_at_another_time_is_rejected_by_name_and_another_users_counts(running: Pipeline) -> None:
    user, other = new_user(), new_user()
    one = fill(user, fill_id=f"f-{user}", notional_usd="6000", price="60000", size="0.1")
    at = {name: one | {"executed_at": time} for name, time in TIMES.items()}
    for name in ("first", "again", "a millisecond later", "a month earlier"):
        after = report(running, **at[name])
        assert volume(running, user, after) == "6000.00", name
    after = report(running, **(at["first"] | {"user_id": other}))
    assert volume(running, other, after) == "6000.00"
    everything = events_of(running, topics.TRADING_EVENTS)
    facts = [event for event in everything if event["data"].get("fill_id") == f"f-{user}"]
    mine = [kind(event) for event in facts if event["partitionkey"] == user]
    assert mine == ["TradeExecuted", "FillRejected", "FillRejected"]
    rejected = [event["data"] for event in facts if kind(event) == "FillRejected"]
    assert [(data["venue"], data["reason"], data["differing"]) for data in rejected] == [
        ("venue-1", "conflicting_repetition", ["executed_at"])
    ] * 2
    assert len({event["id"] for event in facts}) == len(facts) == 4


TIMES = {
    "first": "2025-01-06T12:00:00Z",
    "again": "2025-01-06T12:00:00Z",
    "a millisecond later": "2025-01-06T12:00:00.001Z",
    "a month earlier": "2024-12-06T12:00:00Z",
}
