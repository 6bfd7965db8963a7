"""Commands in: accepted once, refused clearly, never in part."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from faust_redis.log import Log, Position, TopicPartition
from faust_redis.log.partitioner import partition_for
from faust_redis.log.scripts import Script

from api.app import create_app
from api.auth import Role
from api.config import ApiConfig
from api.middleware import BODY_BYTES_MAX
from streams import topics
from streams.events import decode
from streams.events.trading import CloseTrade, OpenTrade, ReportFill
from streams.ids import opened_trade_id
from tests.integration.api.support import PARTITIONS, Worker, auth, fill, token

pytestmark = pytest.mark.usefixtures("worker")

ORDER = {"market": "BTC", "side": "long", "notional_usd": "1500.00", "leverage": 5}
USER = auth("alice")
VENUE = auth("venue-1", Role.VENUE)
SERVICE = auth("pricer", Role.SERVICE)


async def written(log: Log, topic: str) -> list[Any]:
    """Return all events of a topic."""
    found = await log.fetch({TopicPartition(topic, p): 0 for p in range(PARTITIONS)}, count=10_000)
    return [decode(record.value) for records in found.values() for record in records]


def assert_problem(answer: httpx.Response, status: int, kind: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    document: dict[str, Any] = answer.json()
    assert document["type"] == f"/problems/{kind}"
    assert document["status"] == status
    assert document["title"]
    assert document["detail"]
    assert document["instance"].startswith("/")
    return document


async def test_an_order_becomes_a_command_of_the_tokens_subject(client: httpx.AsyncClient, log: Log) -> None:
    answer = await client.post("/v1/trades", json=ORDER, headers=USER)
    assert answer.status_code == 202
    accepted = answer.json()
    [event] = await written(log, topics.TRADING_COMMANDS)
    assert isinstance(event.data, OpenTrade)
    assert (event.id, event.partitionkey) == (accepted["event_id"], "alice")
    assert accepted["trade_id"] == opened_trade_id(event.id)
    assert accepted["partition"] == partition_for(b"alice", PARTITIONS)
    position = Position.parse(accepted["position"])
    assert (position.topic, position.offsets) == (topics.TRADING_COMMANDS, {accepted["partition"]: 1})


async def test_close_names_the_trade(client: httpx.AsyncClient, log: Log) -> None:
    assert (await client.post("/v1/trades/t-1/close", headers=USER)).status_code == 202
    [event] = await written(log, topics.TRADING_COMMANDS)
    assert event.data == CloseTrade(trade_id="t-1")


async def test_fills_are_keyed_by_user_and_name_the_venue_of_the_token(client: httpx.AsyncClient, log: Log) -> None:
    answer = await client.post("/v1/fills", json={"fills": [fill(n) for n in range(20)]}, headers=VENUE)
    assert answer.status_code == 202
    accepted = answer.json()["events"]
    assert len(accepted) == 20
    for place, sent in zip(accepted, (fill(n) for n in range(20)), strict=True):
        assert place["partition"] == partition_for(sent["user_id"].encode(), PARTITIONS)
    events = await written(log, topics.TRADING_COMMANDS)
    assert {event.id for event in events} == {place["event_id"] for place in accepted}
    assert all(isinstance(event.data, ReportFill) and event.data.venue == "venue-1" for event in events)


async def test_prices_are_keyed_by_market(client: httpx.AsyncClient, log: Log) -> None:
    marks = [{"market": "BTC", "price": "63250.5"}, {"market": "ETH", "price": "2610", "time": "2024-09-20T08:36:00Z"}]
    assert (await client.post("/v1/prices", json={"prices": marks}, headers=SERVICE)).status_code == 202
    events = {event.partitionkey: event for event in await written(log, topics.MARKET_PRICES)}
    assert events["ETH"].time.text() == "2024-09-20T08:36:00Z"
    assert events["BTC"].data.price.text() == "63250.5"


# --- repeated requests ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "body", "headers"),
    [
        ("/v1/trades", ORDER, USER),
        ("/v1/trades/t-1/close", None, USER),
        ("/v1/fills", {"fills": [fill(n) for n in range(30)]}, VENUE),
        ("/v1/prices", {"prices": [{"market": "BTC", "price": "1"}, {"market": "ETH", "price": "2"}]}, SERVICE),
    ],
)
async def test_same_key_and_body_give_the_same_answer_and_one_effect(
    client: httpx.AsyncClient, log: Log, path: str, body: Any, headers: dict[str, str]
) -> None:
    keyed = {**headers, "Idempotency-Key": "k-1"}
    first = await client.post(path, json=body, headers=keyed)
    again = await client.post(path, json=body, headers=keyed)
    assert first.status_code == again.status_code == 202
    assert first.json() == again.json()
    events = [*await written(log, topics.TRADING_COMMANDS), *await written(log, topics.MARKET_PRICES)]
    assert len(events) == len(first.json().get("events", ["one"]))


async def test_same_key_with_another_body_is_a_conflict_and_writes_nothing(client: httpx.AsyncClient, log: Log) -> None:
    keyed = {**USER, "Idempotency-Key": "k-1"}
    await client.post("/v1/trades", json=ORDER, headers=keyed)
    other = await client.post("/v1/trades", json={**ORDER, "leverage": 6}, headers=keyed)
    assert_problem(other, 422, "idempotency-conflict")
    assert len(await written(log, topics.TRADING_COMMANDS)) == 1


async def test_a_key_counts_for_one_caller_and_one_route(client: httpx.AsyncClient, log: Log) -> None:
    for path, caller in (("/v1/trades", "alice"), ("/v1/trades", "bob"), ("/v1/trades/t-1/close", "alice")):
        body = ORDER if path == "/v1/trades" else None
        answer = await client.post(path, json=body, headers={**auth(caller), "Idempotency-Key": "k-1"})
        assert answer.status_code == 202
    assert len(await written(log, topics.TRADING_COMMANDS)) == 3


async def test_a_fill_has_the_same_event_id_however_often_it_is_reported(client: httpx.AsyncClient) -> None:
    body = {"fills": [fill(1)]}
    first, again = [await client.post("/v1/fills", json=body, headers=VENUE) for _ in range(2)]
    assert first.json()["events"][0]["event_id"] == again.json()["events"][0]["event_id"]
    other_venue = await client.post("/v1/fills", json=body, headers=auth("venue-2", Role.VENUE))
    assert other_venue.json()["events"][0]["event_id"] != first.json()["events"][0]["event_id"]


@pytest.mark.parametrize("key", ["", "x" * 129, "with space"])
async def test_a_key_that_cannot_be_one_is_refused(client: httpx.AsyncClient, key: str) -> None:
    answer = await client.post("/v1/trades", json=ORDER, headers={**USER, "Idempotency-Key": key})
    document = assert_problem(answer, 422, "validation")
    assert document["errors"][0]["parameter"] == "Idempotency-Key"


# --- concurrent requests ----------------------------------------------------------------------------------------------


async def test_requests_at_the_same_time_share_calls_and_each_has_its_own_places(
    client: httpx.AsyncClient, app: FastAPI, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    api_log: Log = app.state.api.log
    calls: list[str] = []
    run = api_log.run

    async def noted(script: Script, keys: Sequence[str], args: Sequence[Any]) -> Any:
        calls.append(script.name)
        return await run(script, keys, args)

    monkeypatch.setattr(api_log, "run", noted)
    bodies = [{"fills": [fill(10 * n + item) for item in range(3)]} for n in range(20)]
    answers = await asyncio.gather(*(client.post("/v1/fills", json=body, headers=VENUE) for body in bodies))
    assert [answer.status_code for answer in answers] == [202] * 20
    assert 0 < calls.count("commit") < 20
    events = {event.id: event for event in await written(log, topics.TRADING_COMMANDS)}
    placed = {(place["partition"], place["offset"]) for answer in answers for place in answer.json()["events"]}
    assert len(events) == len(placed) == 60
    for answer, body in zip(answers, bodies, strict=True):
        fill_ids = [events[place["event_id"]].data.fill_id for place in answer.json()["events"]]
        assert fill_ids == [one["fill_id"] for one in body["fills"]]
        for place in answer.json()["events"]:
            found = await log.at({TopicPartition(topics.TRADING_COMMANDS, place["partition"]): place["offset"]})
            [record] = found.values()
            assert record is not None
            assert decode(record.value).id == place["event_id"]


async def test_one_key_used_many_times_at_once_has_one_effect(client: httpx.AsyncClient, log: Log) -> None:
    keyed = {**USER, "Idempotency-Key": "k-1"}
    answers = await asyncio.gather(*(client.post("/v1/trades", json=ORDER, headers=keyed) for _ in range(12)))
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.text for answer in answers}) == 1
    assert len(await written(log, topics.TRADING_COMMANDS)) == 1


async def test_of_two_concurrent_bodies_under_one_key_one_is_accepted_and_no_other_request_is_affected(
    client: httpx.AsyncClient, log: Log
) -> None:
    def post(key: str, leverage: int) -> Awaitable[httpx.Response]:
        return client.post("/v1/trades", json={**ORDER, "leverage": leverage}, headers={**USER, "Idempotency-Key": key})

    same, others = [post("k-1", leverage) for leverage in (3, 4)], [post(f"other-{n}", 5) for n in range(6)]
    answers = await asyncio.gather(*same, *others)
    assert sorted(answer.status_code for answer in answers[:2]) == [202, 422]
    assert {answer.status_code for answer in answers[2:]} == {202}
    assert len(await written(log, topics.TRADING_COMMANDS)) == 7


# --- refusals ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "pointer", "words"),
    [
        ({"market": "NOPE"}, "#/fills/1/market", "no market 'NOPE'"),
        ({"size": "-1"}, "#/fills/1/size", "above 0"),
        ({"price": "0"}, "#/fills/1/price", "above 0"),
        ({"notional_usd": "-1500.00"}, "#/fills/1/notional_usd", "greater than 0"),
        ({"notional_usd": 1500.0}, "#/fills/1/notional_usd", "decimal string, got float"),
        ({"notional_usd": 1500}, "#/fills/1/notional_usd", "decimal string, got int"),
        ({"notional_usd": "0.123456789"}, "#/fills/1/notional_usd", "8 decimals"),
        ({"price": "0.1234567890123456789"}, "#/fills/1/price", "at most 18 decimals"),
        ({"fee_usd": "-0.1"}, "#/fills/1/fee_usd", "greater than or equal to 0"),
        ({"executed_at": "2024-09-20 08:36"}, "#/fills/1/executed_at", "expected a time"),
        ({"executed_at": "2900-01-01T00:00:00Z"}, "#/fills/1/executed_at", "in the future"),
        ({"user_id": "a|b"}, "#/fills/1/user_id", "pattern"),
        ({"venue": "other"}, "#/fills/1/venue", "not permitted"),
        ({"closes": "yes"}, "#/fills/1/closes", "boolean"),
        ({"notional_usd": "100000000000"}, "#/fills/1/notional_usd", "price x size, which is"),
        ({"closed_pnl_usd": "100000000000"}, "#/fills/1/closed_pnl_usd", "times the notional"),
        ({"fee_usd": "1600"}, "#/fills/1/fee_usd", "more than the notional"),
    ],
)
async def test_a_bad_fill_is_named_and_nothing_of_its_batch_is_accepted(
    client: httpx.AsyncClient, log: Log, change: dict[str, Any], pointer: str, words: str
) -> None:
    answer = await client.post("/v1/fills", json={"fills": [fill(0), fill(1, **change), fill(2)]}, headers=VENUE)
    document = assert_problem(answer, 422, "validation")
    assert document["indices"] == [1]
    [error] = document["errors"]
    assert error["pointer"] == pointer
    assert words in error["detail"]
    assert await written(log, topics.TRADING_COMMANDS) == []


async def test_every_bad_fill_of_a_batch_is_listed(client: httpx.AsyncClient) -> None:
    fills = [fill(n, **({"size": "-1"} if n % 3 == 0 else {})) for n in range(12)]
    document = assert_problem(await client.post("/v1/fills", json={"fills": fills}, headers=VENUE), 422, "validation")
    assert document["indices"] == [0, 3, 6, 9]
    assert [error["pointer"] for error in document["errors"]] == [f"#/fills/{n}/size" for n in (0, 3, 6, 9)]


@pytest.mark.parametrize("count", [0, 1_001])
async def test_a_batch_has_one_to_a_thousand_fills(client: httpx.AsyncClient, count: int) -> None:
    answer = await client.post("/v1/fills", json={"fills": [fill(n) for n in range(count)]}, headers=VENUE)
    assert assert_problem(answer, 422, "validation")["errors"][0]["pointer"] == "#/fills"


async def test_a_thousand_fills_are_one_batch(client: httpx.AsyncClient, log: Log) -> None:
    answer = await client.post("/v1/fills", json={"fills": [fill(n) for n in range(1_000)]}, headers=VENUE)
    assert answer.status_code == 202
    assert sum((await log.end_offsets(topics.TRADING_COMMANDS)).values()) == 1_000


@pytest.mark.parametrize("body", [b'{"market": ', b"", b"\xff\xfe", b"[1,2"])
async def test_malformed_json_is_400(client: httpx.AsyncClient, body: bytes) -> None:
    headers = {**USER, "Content-Type": "application/json"}
    assert_problem(await client.post("/v1/trades", content=body, headers=headers), 400, "malformed-json")


@pytest.mark.parametrize("path", ["/v1/trades", "/v1/fills"])
async def test_a_key_that_occurs_twice_in_a_body_is_refused(client: httpx.AsyncClient, log: Log, path: str) -> None:
    body = {"fills": [fill(0), fill(1)]} if path == "/v1/fills" else ORDER
    raw = json.dumps(body)
    where = raw.rindex('"market"')
    headers = {**(VENUE if path == "/v1/fills" else USER), "Content-Type": "application/json"}
    answer = await client.post(path, content=f'{raw[:where]}"market":"ETH",{raw[where:]}', headers=headers)
    [error] = assert_problem(answer, 422, "validation")["errors"]
    assert error["pointer"] == ("#/fills/1" if path == "/v1/fills" else "#")
    assert "'market' occurs twice" in error["detail"]
    assert await written(log, topics.TRADING_COMMANDS) == []


async def test_a_mark_may_lie_two_seconds_ahead_and_no_more(client: httpx.AsyncClient, log: Log) -> None:
    """The newest mark wins, so a mark far ahead would hold the price until its time has come."""

    async def post(ahead_s: float) -> httpx.Response:
        time = (datetime.now(UTC) + timedelta(seconds=ahead_s)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        marks = [{"market": "BTC", "price": "1"}, {"market": "BTC", "price": "2", "time": time}]
        return await client.post("/v1/prices", json={"prices": marks}, headers=SERVICE)

    document = assert_problem(await post(5), 422, "validation")
    assert document["errors"][0]["pointer"] == "#/prices/1/time"
    assert "more than 2 seconds in the future" in document["errors"][0]["detail"]
    assert await written(log, topics.MARKET_PRICES) == []
    assert (await post(1.5)).status_code == 202


async def test_another_media_type_is_415(client: httpx.AsyncClient) -> None:
    headers = {**USER, "Content-Type": "text/csv"}
    assert_problem(await client.post("/v1/trades", content=b"x", headers=headers), 415, "unsupported-media-type")


@pytest.mark.parametrize(
    "change",
    [{"user_id": "bob"}, {"market": "NOPE"}, {"leverage": 0}, {"leverage": "5"}, {"side": "up"}, {"mode": "x"}],
)
async def test_a_bad_order_is_422(client: httpx.AsyncClient, change: dict[str, Any]) -> None:
    document = assert_problem(await client.post("/v1/trades", json=ORDER | change, headers=USER), 422, "validation")
    assert document["errors"][0]["pointer"] == f"#/{next(iter(change))}"


async def test_oversize_bodies_are_413_declared_or_not(client: httpx.AsyncClient) -> None:
    async def undeclared() -> AsyncIterator[bytes]:
        for _ in range(BODY_BYTES_MAX // 65_536 + 1):
            yield b" " * 65_536

    headers = {**USER, "Content-Type": "application/json"}
    big = b" " * (BODY_BYTES_MAX + 1)
    assert_problem(await client.post("/v1/trades", content=big, headers=headers), 413, "too-large")
    assert_problem(await client.post("/v1/trades", content=undeclared(), headers=headers), 413, "too-large")


# --- authorisation ----------------------------------------------------------------------------------------------------


async def test_no_token_is_401_and_says_how(client: httpx.AsyncClient) -> None:
    answer = await client.post("/v1/trades", json=ORDER)
    assert_problem(answer, 401, "unauthenticated")
    assert answer.headers["www-authenticate"] == 'Bearer realm="astratrade"'


@pytest.mark.parametrize(
    "bad", [token("alice", ttl_s=-60), token("alice") + "x", "nonsense", "", token("a|b"), token("alice")[:-4] + "AAAA"]
)
async def test_a_bad_token_is_401(client: httpx.AsyncClient, bad: str) -> None:
    answer = await client.post("/v1/trades", json=ORDER, headers={"Authorization": f"Bearer {bad}"})
    assert_problem(answer, 401, "unauthenticated")
    assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_an_expired_token_says_that_it_expired(client: httpx.AsyncClient) -> None:
    headers = {"Authorization": f"Bearer {token('alice', ttl_s=-60)}"}
    answer = await client.post("/v1/trades", json=ORDER, headers=headers)
    assert answer.json()["detail"] == "the token has expired"


@pytest.mark.parametrize(
    ("path", "needed"), [("/v1/trades", "user"), ("/v1/fills", "venue"), ("/v1/prices", "service")]
)
async def test_a_wrong_role_is_403_and_names_the_right_one(client: httpx.AsyncClient, path: str, needed: str) -> None:
    answer = await client.post(path, json={}, headers=auth("mod", Role.MODERATOR))
    document = assert_problem(answer, 403, "forbidden")
    assert f"role {needed}" in document["detail"]


async def test_authorisation_comes_before_the_parameters_of_a_path(client: httpx.AsyncClient) -> None:
    assert_problem(await client.post("/v1/trades/a|b/close"), 401, "unauthenticated")
    assert_problem(await client.post("/v1/trades/a|b/close", headers=VENUE), 403, "forbidden")
    assert_problem(await client.post("/v1/trades/a|b/close", headers=USER), 422, "validation")


# --- the log --------------------------------------------------------------------------------------------------------


async def test_without_topics_it_is_503_with_retry_after(client: httpx.AsyncClient, log: Log, worker: Worker) -> None:
    await log.redis.delete(log.keys.topic(topics.TRADING_COMMANDS))
    answer = await client.post("/v1/trades", json=ORDER, headers=USER)
    assert_problem(answer, 503, "unavailable")
    assert answer.headers["retry-after"]


async def test_a_deleted_command_stream_is_503(client: httpx.AsyncClient, log: Log, worker: Worker) -> None:
    """Offsets of a new stream would begin again, so an operator must repair the partition."""
    assert (await client.post("/v1/trades", json=ORDER, headers=USER)).status_code == 202
    await log.redis.delete(log.keys.stream(topics.TRADING_COMMANDS, worker.partition("alice")))
    answer = await client.post("/v1/trades", json=ORDER, headers=USER)
    assert "repaired" in assert_problem(answer, 503, "unavailable")["detail"]
    assert answer.headers["retry-after"]


async def test_an_api_that_knows_the_partitions_creates_the_topic(config: ApiConfig, log: Log) -> None:
    app = create_app(replace(config, namespace=config.namespace + "-new", partitions=3))
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://api") as client,
    ):
        assert (await client.post("/v1/trades", json=ORDER, headers=USER)).status_code == 202
