"""The API refuses an invalid request with a problem document that points to the error, and applies none of it."""

from typing import Any

import httpx
import pytest

from api.auth import Role
from tests.e2e.fills import fill, new_user
from tests.e2e.pipeline import Pipeline
from tests.support.tokens import mint


def problem(answer: httpx.Response) -> Any:
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    document = answer.json()
    assert document["status"] == answer.status_code
    assert document["title"]
    assert document["detail"]
    return document


def post_fills(pipeline: Pipeline, *fills: dict[str, Any]) -> httpx.Response:
    return pipeline.client("venue", "venue-1").post("/v1/fills", json={"fills": list(fills)})


def test_malformed_json_is_refused(running: Pipeline) -> None:
    client = running.client("venue", "venue-1")
    answer = client.post("/v1/fills", content=b'{"fills": [', headers={"Content-Type": "application/json"})
    assert answer.status_code == 400
    assert problem(answer)["type"] == "/problems/malformed-json"


def test_a_body_that_is_not_json_by_its_type_is_refused(running: Pipeline) -> None:
    client = running.client("venue", "venue-1")
    answer = client.post("/v1/fills", content=b"fills=1", headers={"Content-Type": "text/csv"})
    assert answer.status_code == 415
    problem(answer)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("market", "NOSUCH"),
        ("size", "-1"),
        ("size", "0"),
        ("price", "-0.01"),
        ("notional_usd", "-1500.00"),
        ("notional_usd", "0.000000001"),
        ("notional_usd", 1500.5),
        ("fee_usd", "-1"),
        ("closed_pnl_usd", "NaN"),
        ("closes", "yes"),
        ("side", "long"),
        ("executed_at", "2025-01-06 12:00"),
        ("executed_at", "2999-01-06T12:00:00Z"),
        ("user_id", ""),
        ("user_id", "a|b"),
        ("trade_id", None),
        ("trade_id", "a|b"),
    ],
)
def test_a_bad_fill_is_refused_with_a_pointer_to_its_field(running: Pipeline, field: str, value: object) -> None:
    answer = post_fills(running, fill(new_user()), fill(new_user(), **{field: value}))
    assert answer.status_code == 422, answer.text
    assert [fault["pointer"] for fault in problem(answer)["errors"]] == [f"#/fills/1/{field}"]


def test_an_unknown_field_is_refused(running: Pipeline) -> None:
    assert post_fills(running, fill(new_user(), xp=1_000_000)).status_code == 422


def test_a_batch_with_one_bad_fill_has_no_effect(running: Pipeline) -> None:
    user = new_user()
    assert post_fills(running, fill(user), fill(user, size="-1")).status_code == 422
    accepted = post_fills(running, fill(user, price="100", size="1", notional_usd="100"))
    client = running.client("admin", "auditor")
    after = accepted.json()["position"]
    progress = client.get(f"/v1/users/{user}/progress", params={"after": after}).json()
    assert (progress["trades"], progress["volume_usd"]) == (1, "100.00")


@pytest.mark.parametrize("role", ["user", "admin", "moderator", "service"])
def test_only_a_venue_may_report_fills(running: Pipeline, role: str) -> None:
    answer = running.client(role, "somebody").post("/v1/fills", json={"fills": [fill(new_user())]})
    assert answer.status_code == 403
    assert "venue" in problem(answer)["detail"]


def test_only_a_service_may_report_prices(running: Pipeline) -> None:
    answer = running.client("venue", "venue-1").post("/v1/prices", json={"prices": [{"market": "BTC", "price": "1"}]})
    assert answer.status_code == 403


def test_a_user_may_not_see_what_belongs_to_another_alone(running: Pipeline) -> None:
    user = new_user()
    post_fills(running, fill(user))
    assert running.client("user", "mallory").get(f"/v1/users/{user}/portfolio").status_code == 403


def test_no_token_and_a_token_of_another_make_are_refused(running: Pipeline) -> None:
    forged = mint("venue-1", Role.VENUE, ttl_s=60)  # by a key that is not in this store
    for token in (None, "rubbish", forged):
        with running.client_with(token) as client:
            answer = client.post("/v1/fills", json={"fills": [fill(new_user())]})
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Bearer")


def test_an_expired_token_is_refused_and_says_so(running: Pipeline) -> None:
    token = mint("venue-1", Role.VENUE, age_s=3_600, ttl_s=60, by=running.signing_key())
    with running.client_with(token) as client:
        answer = client.post("/v1/fills", json={"fills": [fill(new_user())]})
    assert answer.status_code == 401
    assert "expired" in problem(answer)["detail"]


@pytest.mark.parametrize("cursor", ["rubbish", "AAAA", "%00", "é"])
def test_an_unknown_cursor_is_refused(running: Pipeline, cursor: str) -> None:
    answer = running.client("user", "reader").get("/v1/leaderboards/xp", params={"period": "all", "cursor": cursor})
    assert answer.status_code == 400
    assert problem(answer)["type"] == "/problems/unknown-cursor"


@pytest.mark.parametrize("after", ["rubbish", "astra.trading.commands.v1@nope:0-1", "a@b:0-1"])
def test_a_position_that_was_never_given_is_refused(running: Pipeline, after: str) -> None:
    answer = running.client("user", "reader").get("/v1/users/reader/progress", params={"after": after})
    assert answer.status_code in {410, 422}
    problem(answer)


@pytest.mark.parametrize(
    "parameters",
    [
        {"period": "day:2025-02-30"},
        {"period": "week:2025-W60"},
        {"period": "fortnight"},
        {"period": "all", "limit": "0"},
        {"period": "all", "limit": "1001"},
        {"period": "all", "market": "NOSUCH"},
    ],
)
def test_an_impossible_board_is_refused(running: Pipeline, parameters: dict[str, str]) -> None:
    answer = running.client("user", "reader").get("/v1/leaderboards/volume", params=parameters)
    assert answer.status_code == 422, answer.text
    problem(answer)


def test_a_market_board_of_xp_is_refused(running: Pipeline) -> None:
    answer = running.client("user", "reader").get("/v1/leaderboards/xp", params={"period": "all", "market": "BTC"})
    assert answer.status_code == 422


def test_an_idempotency_key_with_another_body_is_refused_and_with_the_same_answers_the_same(running: Pipeline) -> None:
    client, key = running.client("venue", "venue-1"), {"Idempotency-Key": new_user()}
    body = {"fills": [fill(new_user())]}
    first = client.post("/v1/fills", json=body, headers=key)
    again = client.post("/v1/fills", json=body, headers=key)
    other = client.post("/v1/fills", json={"fills": [fill(new_user())]}, headers=key)
    assert (first.status_code, again.json()) == (202, first.json())
    assert problem(other)["type"] == "/problems/idempotency-conflict"
