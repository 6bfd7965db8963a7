"""What a socket may not do, what a slow client is told, and how a socket ends."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import httpx
import pytest
from fastapi import FastAPI
from websockets.exceptions import ConnectionClosed, InvalidStatus

from api.app import create_app
from api.config import ApiConfig
from api.kit.feeds.socket import connection as connections
from api.limits.slots import Shares
from tests.integration.api.socket_client import TABLE, TIMEOUT_S, opened, progress
from tests.integration.api.sse import serving
from tests.integration.api.support import Worker

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


async def test_the_number_of_sockets_is_capped(server: httpx.AsyncClient, served_app: FastAPI) -> None:
    served_app.state.api.socket_slots._shares = Shares(in_all=1, anonymous=1, per_account=2, per_address=2)
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
        async with socket._sender._lock:  # As if the client's system accepted nothing.
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
        [socket] = hub.sockets
        monkeypatch.setattr(socket._websocket, "send_text", never)
        await worker.put_user(TABLE, "alice", progress(1))
        assert (await client.closed())[0] == 1013
    assert not hub.sessions


async def never(_text: str) -> None:
    await asyncio.Event().wait()


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
