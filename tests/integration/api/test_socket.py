"""One WebSocket for many feeds: the same events as over HTTP, one authentication, bounded, resumable."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import Any

import httpx
import orjson
import pytest
from fastapi import FastAPI
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from api.app import create_app
from api.config import ApiConfig
from api.kit.feeds import session as sessions
from api.kit.feeds.socket import connection as connections
from streams import topics
from streams.times import Instant
from streams.units import Usd
from tables.gamification import GAMIFICATION_PROGRESS, Progress
from tables.trading import TRADING_PORTFOLIO, Portfolio
from tests.integration.api.sse import Reader, serving
from tests.integration.api.support import Worker, auth, token
from tests.integration.api.test_feeds import xp_gained

TABLE = GAMIFICATION_PROGRESS.name
TIMEOUT_S = 10.0

Message = dict[str, Any]


def progress(xp: int) -> Progress:
    return Progress(xp=xp, max_leverage=10)


def portfolio(balance: int = 0) -> Portfolio:
    return Portfolio(practice_balance=Usd.of(balance), updated_at=Instant(0))


class Client:
    """A hand-written client of the socket."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.received: list[Message] = []
        self._passed_over: list[Message] = []

    async def send(self, kind: str, **members: Any) -> None:
        await self.connection.send(orjson.dumps({"type": kind, **members}).decode())

    async def until(self, wanted: Callable[[Message], bool]) -> Message:
        """Return the first message that is wanted and was not returned before."""
        for message in filter(wanted, self._passed_over):
            self._passed_over.remove(message)
            return message
        async with asyncio.timeout(TIMEOUT_S):
            while not wanted(message := await self._next()):
                self._passed_over.append(message)
        return message

    async def _next(self) -> Message:
        message: Message = orjson.loads(await self.connection.recv())
        self.received.append(message)
        return message

    async def until_type(self, kind: str) -> Message:
        return await self.until(lambda message: message["type"] == kind)

    async def until_row(self, subscription: str, user: str, xp: int) -> Message:
        return await self.until(
            lambda m: (
                m.get("subscription") == subscription
                and any(row["user_id"] == user and row["xp"] == xp for row in m.get("data", {}).get("rows", ()))
            )
        )

    async def until_current(self, subscription: str) -> Message:
        return await self.until(
            lambda m: m.get("subscription") == subscription and m.get("data", {}).get("last") is True
        )

    async def closed(self) -> tuple[int | None, str | None]:
        """Read until the socket is closed; return the code and the reason."""
        async with asyncio.timeout(TIMEOUT_S):
            with suppress(ConnectionClosed):
                while True:
                    await self._next()
        return self.connection.close_code, self.connection.close_reason


@asynccontextmanager
async def opened(server: httpx.AsyncClient, **options: Any) -> AsyncIterator[Client]:
    async with connect(url_of(server), proxy=None, **options) as connection:
        yield Client(connection)


def url_of(server: httpx.AsyncClient) -> str:
    return str(server.base_url.copy_with(scheme="ws", path="/v1/ws"))


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


# --- what a socket may not do -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "status"),
    [
        ("{", 400),
        ("[" * 100_000, 422),
        ('"text"', 422),
        ("{}", 422),
        ('{"type":"shout"}', 422),
        ('{"type":"unsubscribe","subscription":"unknown"}', 422),
        ('{"type":"subscribe","subscription":"s","feed":"../stats"}', 422),
        ('{"type":"subscribe","subscription":"s","feed":"nothing"}', 404),
        ('{"type":"subscribe","subscription":"s","feed":"boards"}', 422),
        ('{"type":"subscribe","subscription":"s","feed":"xp","query":{"last":100000}}', 422),
        ('{"type":"subscribe","subscription":"","feed":"xp"}', 422),
        ('{"type":"subscribe","subscription":"s","feed":"xp","token":"t"}', 422),
    ],
)
async def test_a_message_that_cannot_be_carried_out_is_answered_with_the_problem(
    server: httpx.AsyncClient, message: str, status: int
) -> None:
    async with opened(server) as client:
        await client.connection.send(message)
        problem = (await client.until_type("problem"))["problem"]
        assert problem["status"] == status, problem
        await client.send("subscribe", subscription="s", feed="progress")
        await client.until_current("s")


async def test_the_number_of_subscriptions_is_capped(
    server: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "SUBSCRIPTIONS_MAX", 2)
    async with opened(server) as client:
        for name in ("a", "b", "c"):
            await client.send("subscribe", subscription=name, feed="progress")
        assert (await client.until_type("problem"))["subscription"] == "c"


async def test_a_flood_of_messages_closes_the_socket(server: httpx.AsyncClient) -> None:
    async with opened(server) as client:
        closed = asyncio.create_task(client.closed())
        with suppress(ConnectionClosed):
            for _ in range(1_000):
                await client.send("unsubscribe", subscription="s")
        assert (await closed)[0] == 1008


async def test_a_message_that_is_too_large_or_binary_closes_the_socket(server: httpx.AsyncClient) -> None:
    async with opened(server) as client:
        await client.send("authenticate", token="x" * 200_000)
        assert (await client.closed())[0] == 1009
    async with opened(server) as client:
        await client.connection.send(b"{}")
        assert (await client.closed())[0] == 1003


async def test_a_socket_without_subscriptions_is_closed(
    server: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "IDLE_S", 0.0)
    async with opened(server) as client:
        assert (await client.closed())[0] == 1000


async def test_the_number_of_sockets_is_capped(server: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.kit.feeds.hub.SOCKETS_OPEN_MAX", 1)
    async with opened(server):
        with pytest.raises(InvalidStatus) as refused:
            async with opened(server):
                pass
    assert refused.value.response.status_code == 503
    assert refused.value.response.headers["Retry-After"] == "5"


async def test_the_path_without_a_websocket_says_what_it_speaks(server: httpx.AsyncClient) -> None:
    answer = await server.get("/v1/ws")
    assert (answer.status_code, answer.json()["type"]) == (426, "/problems/upgrade-required")


# --- slow clients, and the end ----------------------------------------------------------------------------------------


async def test_a_client_with_too_much_pending_in_all_is_told_to_start_afresh(
    server: httpx.AsyncClient, served_app: FastAPI, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "PENDING_CHANGES_MAX", 0)
    hub = served_app.state.api.hub
    async with opened(server) as client:
        await client.send("subscribe", subscription="s", feed="progress")
        await client.until_current("s")
        [socket] = hub.sockets
        async with socket._line._lock:  # As if the client's system accepted nothing.
            for n in range(20):
                await worker.put_user(TABLE, f"u-{n}", progress(n))
            async with asyncio.timeout(TIMEOUT_S):
                while not any(one.subscriber.lost for one in hub.sessions):  # noqa: ASYNC110 - as above
                    await asyncio.sleep(0.01)
        assert (await client.until_type("ended"))["why"] == "slow"
        assert any(m.get("event") == "resync" and m["data"] == {"why": "slow"} for m in client.received)


async def test_a_client_whose_system_accepts_nothing_is_let_go(
    server: httpx.AsyncClient, served_app: FastAPI, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "SEND_TIMEOUT_S", 0.0)
    hub = served_app.state.api.hub
    async with opened(server) as client:
        await client.send("subscribe", subscription="s", feed="progress")
        await client.until_current("s")
        client.connection.transport.pause_reading()
        monkeypatch.setattr(sessions, "PENDING_CHANGES_MAX", 1_000_000)
        async with asyncio.timeout(TIMEOUT_S):
            n = 0
            while hub.sockets:
                n += 1
                for user in range(500):
                    await worker.put_user(TABLE, f"user-with-a-long-name-{user}", progress(n))
        client.connection.transport.abort()
    assert not hub.sessions


async def test_a_stopping_server_ends_sockets_with_a_reason(config: ApiConfig, worker: Worker) -> None:
    async with (
        serving(create_app(config)) as (url, server),
        httpx.AsyncClient(base_url=url) as http,
        opened(http) as client,
    ):
        await client.send("subscribe", subscription="s", feed="progress")
        current = await client.until_current("s")
        server.should_exit = True
        closed = await client.closed()
    assert closed == (1012, "the server is stopping; connect again and resume")
    assert client.received[-1] == {"type": "ended", "subscription": "s", "why": "stopping"}
    assert current["id"]
