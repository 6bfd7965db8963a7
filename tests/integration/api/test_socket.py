"""One WebSocket for many feeds: the same events as over HTTP, one authentication, bounded, resumable."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import httpx
import orjson
import pytest
from fastapi import FastAPI
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from api.app import create_app
from api.auth import Role
from api.config import ApiConfig
from streams import topics
from tables.trading import TRADING_PORTFOLIO
from tests.integration.api.socket_client import TABLE, TIMEOUT_S, opened, portfolio, progress, url_of
from tests.integration.api.sse import Reader, serving
from tests.integration.api.support import Worker, auth, token
from tests.integration.api.test_feeds import xp_gained


async def test_one_socket_carries_the_events_that_feeds_carry(server: httpx.AsyncClient, worker: Worker) -> None:
    await worker.put_user(TABLE, "alice", progress(10))
    reader = Reader(server, "/v1/feed/progress")
    reading = asyncio.create_task(reader.read(lambda r: r.names[-1:] == ["delta"]))
    await reader.current.wait()
    async with opened(server) as client:
        await client.send("subscribe", subscription="all", feed="progress")
        await client.send("subscribe", subscription="bob", feed="progress", query={"user": ["bob"]})
        await client.send("subscribe", subscription="xp", feed="xp", query={"last": 1})
        assert {(await client.until_type("subscribed"))["subscription"] for _ in range(3)} == {"all", "bob", "xp"}
        for subscription in ("all", "bob", "xp"):
            await client.until_current(subscription)
        await worker.put_user(TABLE, "bob", progress(5))
        delta = await client.until_row("all", "bob", 5)
        await client.until_row("bob", "bob", 5)
        await worker.emit(topics.GAMIFICATION_EVENTS, xp_gained("carol", 1))
        await client.until(lambda m: m.get("subscription") == "xp" and m.get("event") == "delta")
    await reading
    assert delta["id"] == reader.last_id, "both encodings have the same ids"
    assert delta["data"]["rows"] == [reader.table["bob"]]


async def test_a_subscription_resumes_by_the_id_of_either_encoding(server: httpx.AsyncClient, worker: Worker) -> None:
    await worker.put_user(TABLE, "alice", progress(1))
    reader = Reader(server, "/v1/feed/progress")
    await reader.read(lambda r: r.last_id is not None)
    await worker.put_user(TABLE, "alice", progress(2))
    async with opened(server) as client:
        await client.send("subscribe", subscription="s", feed="progress", last_event_id=reader.last_id)
        delta = await client.until_row("s", "alice", 2)
        assert [m["event"] for m in client.received if m["type"] == "event"] == ["delta"], "no new snapshot"
    await worker.put_user(TABLE, "alice", progress(3))
    reader.last_id = delta["id"]
    await reader.read(lambda r: r.table["alice"]["xp"] == 3)
    assert reader.names[-1] == "delta", "no new snapshot"
    assert reader.names.count("delta") == 1


async def test_a_resume_id_that_cannot_be_used_says_resync_and_starts_afresh(
    server: httpx.AsyncClient, worker: Worker
) -> None:
    await worker.put_user(TABLE, "alice", progress(1))
    async with opened(server) as client:
        await client.send("subscribe", subscription="s", feed="progress", last_event_id="5f0c:0-1 ☃")
        await client.until_row("s", "alice", 1)
    [resync] = [m for m in client.received if m.get("event") == "resync"]
    assert resync["data"] == {"why": "malformed"}
    assert resync["id"] is None


async def test_unsubscribing_ends_one_subscription_only(
    server: httpx.AsyncClient, served_app: FastAPI, worker: Worker
) -> None:
    async with opened(server) as client:
        for name in ("a", "b"):
            await client.send("subscribe", subscription=name, feed="progress")
            await client.until_current(name)
        await client.send("unsubscribe", subscription="a")
        assert await client.until_type("ended") == {"type": "ended", "subscription": "a", "why": "unsubscribed"}
        assert len(served_app.state.api.hub.sessions) == 1
        await worker.put_user(TABLE, "alice", progress(1))
        await client.until_row("b", "alice", 1)
        await client.send("subscribe", subscription="a", feed="progress")
        await client.until_current("a")


async def test_nothing_is_left_of_a_socket_that_was_closed(
    server: httpx.AsyncClient, served_app: FastAPI, worker: Worker
) -> None:
    hub = served_app.state.api.hub
    async with opened(server) as client:
        await client.send("subscribe", subscription="a", feed="progress")
        await client.until_current("a")
        assert (len(hub.sessions), len(hub.sockets)) == (1, 1)
    async with asyncio.timeout(TIMEOUT_S):
        while hub.sessions or hub.sockets:  # noqa: ASYNC110 - the hub has no event for tests
            await asyncio.sleep(0.01)


# --- who may see what -------------------------------------------------------------------------------------------------


async def test_a_private_feed_needs_authentication_by_message_or_header(
    server: httpx.AsyncClient, worker: Worker
) -> None:
    await worker.put_user(TRADING_PORTFOLIO.name, "alice", portfolio(1))
    await worker.put_user(TRADING_PORTFOLIO.name, "bob", portfolio(2))
    async with opened(server) as client:
        await client.send("subscribe", subscription="mine", feed="portfolio")
        refused = await client.until_type("problem")
        assert (refused["subscription"], refused["problem"]["status"]) == ("mine", 401)
        await client.send("authenticate", token=token("alice"))
        told = await client.until_type("authenticated")
        assert (told["subject"], told["role"]) == ("alice", "user")
        await client.send("subscribe", subscription="mine", feed="portfolio")
        await client.until_current("mine")
    async with opened(server, additional_headers=auth("bob")) as client:
        assert (await client.until_type("authenticated"))["subject"] == "bob"
        await client.send("subscribe", subscription="mine", feed="portfolio")
        await client.until_current("mine")
    rows = [row for m in client.received if m["type"] == "event" for row in m["data"].get("rows", ())]
    assert [row["practice_balance_usd"] for row in rows] == ["2.00"]


async def test_a_socket_belongs_to_one_account(server: httpx.AsyncClient) -> None:
    async with opened(server, additional_headers=auth("alice")) as client:
        await client.send("authenticate", token=token("bob"))
        assert (await client.until_type("problem"))["problem"]["status"] == 403


@pytest.mark.parametrize("bad", ["not-a-token", token("alice", ttl_s=-60), token("alice") + "="])
async def test_a_bad_token_is_refused(server: httpx.AsyncClient, bad: str) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with opened(server, additional_headers={"Authorization": f"Bearer {bad}"}):
            pass
    assert refused.value.response.status_code == 401
    assert orjson.loads(refused.value.response.body)["type"] == "/problems/unauthenticated"
    async with opened(server) as client:
        await client.send("authenticate", token=bad)
        assert (await client.until_type("problem"))["problem"]["status"] == 401


async def test_a_token_in_the_url_is_refused(server: httpx.AsyncClient) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with connect(f"{url_of(server)}?token={token('alice')}", proxy=None):
            pass
    assert refused.value.response.status_code == 400


async def test_pages_of_other_origins_are_refused_unless_they_are_on_the_list(
    server: httpx.AsyncClient, config: ApiConfig, worker: Worker
) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with opened(server, origin="https://evil.example"):
            pass
    assert refused.value.response.status_code == 403
    async with opened(server, origin=str(server.base_url).rstrip("/")):
        pass
    listed = replace(config, cors_origins=("https://app.example.com",))
    async with (
        serving(create_app(listed)) as (url, _),
        httpx.AsyncClient(base_url=url) as http,
        opened(http, origin="https://app.example.com"),
    ):
        pass


async def test_private_subscriptions_end_with_the_token_and_public_ones_stay(
    server: httpx.AsyncClient, worker: Worker
) -> None:
    async with opened(server) as client:
        # The server accepts a token for five seconds after its end, since clocks differ.
        await client.send("authenticate", token=token("alice", ttl_s=-3))
        await client.until_type("expiring")
        await client.send("subscribe", subscription="mine", feed="portfolio")
        await client.send("subscribe", subscription="all", feed="progress")
        await client.until_current("all")
        assert await client.until_type("ended") == {"type": "ended", "subscription": "mine", "why": "expired"}
        await worker.put_user(TABLE, "alice", progress(1))
        await client.until_row("all", "alice", 1)


async def test_public_subscriptions_that_show_staff_more_than_the_public_end_with_the_token(
    server: httpx.AsyncClient, worker: Worker
) -> None:
    async with opened(server) as client:
        await client.send("authenticate", token=token("mod", Role.MODERATOR, ttl_s=-3))
        await client.until_type("authenticated")
        board = {"board": "xp", "period": "all"}
        for feed, query in {"boards": board, "xp": {}, "progress": {}, "trades": {}}.items():
            await client.send("subscribe", subscription=feed, feed=feed, query=query)
            await client.until_current(feed)
        ended = [await client.until_type("ended") for _ in range(3)]
        assert {(one["subscription"], one["why"]) for one in ended} == {
            ("boards", "expired"),
            ("xp", "expired"),
            ("progress", "expired"),
        }
        await client.send("unsubscribe", subscription="trades")
        assert (await client.until_type("ended"))["why"] == "unsubscribed"


async def test_a_newer_token_keeps_private_subscriptions(server: httpx.AsyncClient, worker: Worker) -> None:
    async with opened(server) as client:
        await client.send("authenticate", token=token("alice", ttl_s=-3))
        await client.send("subscribe", subscription="mine", feed="portfolio")
        await client.until_type("expiring")
        await client.send("authenticate", token=token("alice"))
        await client.until_type("authenticated")
        await asyncio.sleep(2.0)  # The first token is over now.
        await worker.put_user(TRADING_PORTFOLIO.name, "alice", portfolio())
        await client.until(lambda m: bool(m.get("data", {}).get("rows")))
    assert not any(m["type"] == "ended" for m in client.received)


async def test_a_private_feed_over_http_ends_with_the_token_too(server: httpx.AsyncClient, worker: Worker) -> None:
    headers = {"Authorization": f"Bearer {token('alice', ttl_s=-3)}"}
    async with server.stream("GET", "/v1/feed/portfolio", headers=headers, timeout=TIMEOUT_S) as answer:
        assert answer.status_code == 200
        lines = [line async for line in answer.aiter_lines()]
    assert lines[-3:-1] == ["event: end", 'data: {"why":"expired"}']
