"""The Python client follows feeds of a real API, over the socket and over HTTP, across restarts and slow readers."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Literal

import httpx
import pytest
from astratrade_client import (
    AstraTrade,
    Change,
    Delta,
    FeedEndedError,
    ProblemError,
    Resync,
    Retry,
    Snapshot,
    UnreachableError,
)
from astratrade_client import socket as client_socket
from fastapi import FastAPI
from websockets.utils import accept_key

from api.app import create_app
from api.auth import Role
from api.config import ApiConfig
from api.server import Server
from streams import topics
from tables.gamification import GAMIFICATION_PROGRESS
from tables.trading import TRADING_PORTFOLIO
from tests.integration.api.socket_client import portfolio, progress
from tests.integration.api.support import Worker, fill, token
from tests.integration.api.test_feeds import xp_gained

TABLE = GAMIFICATION_PROGRESS.name
TIMEOUT_S = 20.0
FAST = Retry(first_s=0.05, max_s=0.2, patience_s=20)
Over = Literal["socket", "sse"]


@dataclass
class Kept:
    """A feed as a program keeps it."""

    table: dict[str, Any] = field(default_factory=dict)
    received: list[Any] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)

    def take(self, change: Change, key: str = "user_id") -> None:
        self.changes.append(change)
        if isinstance(change, Resync):
            self.table.clear()
        if isinstance(change, Snapshot | Delta):
            if isinstance(change, Snapshot) or change.complete:
                self.table.clear()
            for row in change.rows:
                self.table[row[key]] = row
                self.received.append(row)

    @property
    def xp(self) -> dict[str, int]:
        return {user: row["xp"] for user, row in self.table.items()}


async def keep(feed: AsyncGenerator[Change], kept: Kept, until: Callable[[Kept], bool]) -> Kept:
    async with asyncio.timeout(TIMEOUT_S), aclosing(feed):
        async for change in feed:
            kept.take(change)
            if until(kept):
                break
    return kept


@asynccontextmanager
async def client_of(server: httpx.AsyncClient, **options: Any) -> AsyncIterator[AstraTrade]:
    async with AstraTrade(str(server.base_url), retry=FAST, **options) as client:
        yield client


@pytest.mark.parametrize("over", ["socket", "sse"])
async def test_a_feed_yields_a_snapshot_and_then_changes(server: httpx.AsyncClient, worker: Worker, over: Over) -> None:
    for n in range(3):
        await worker.put_user(TABLE, f"u-{n}", progress(n))
    async with client_of(server) as client:
        async with asyncio.timeout(TIMEOUT_S), aclosing(client.feed("progress", over=over)) as feed:
            first = await anext(feed)
            assert isinstance(first, Snapshot)
            assert {row["user_id"]: row["xp"] for row in first.rows} == {"u-0": 0, "u-1": 1, "u-2": 2}
            await worker.put_user(TABLE, "u-1", progress(9))
            while not isinstance(change := await anext(feed), Delta):
                pass
        assert [row["xp"] for row in change.rows] == [9]
        await worker.put_user(TABLE, "u-1", progress(10))
        resumed = client.feed("progress", over=over, last_event_id=change.id)
        kept = await keep(resumed, Kept(), lambda k: bool(k.table))
    assert kept.xp == {"u-1": 10}
    assert not any(isinstance(one, Snapshot) for one in kept.changes), "it resumed"


async def test_many_feeds_share_one_connection_that_ends_with_the_last(
    server: httpx.AsyncClient, served_app: FastAPI, worker: Worker
) -> None:
    hub = served_app.state.api.hub
    await worker.put_user(TABLE, "alice", progress(1))
    async with client_of(server) as client:
        feeds = [client.feed("progress", user=["alice"]) for _ in range(20)]
        async with asyncio.timeout(TIMEOUT_S):
            assert all(isinstance(one, Snapshot) for one in await asyncio.gather(*(anext(feed) for feed in feeds)))
            assert (len(hub.sockets), len(hub.sessions)) == (1, 20)
            for feed in feeds:
                await feed.aclose()
            while hub.sessions:  # noqa: ASYNC110 - the hub has no event for tests
                await asyncio.sleep(0.01)


async def test_a_closed_client_leaves_no_connection_to_a_server_that_does_not_answer_its_close() -> None:
    closed = asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        key = next(line.split(b": ")[1] for line in head.splitlines() if line.lower().startswith(b"sec-websocket-key"))
        accept = accept_key(key.decode()).encode()
        writer.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
        )
        with suppress(ConnectionError):
            while await reader.read(4096):
                writer.write(b'\x81\x10{"type": "some"}')
        closed.set()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server, asyncio.timeout(TIMEOUT_S):
        port = server.sockets[0].getsockname()[1]
        async with AstraTrade(f"http://127.0.0.1:{port}") as client:
            following = asyncio.create_task(anext(client.feed("progress", user=["alice"])))
            while not client._socket._connection:  # noqa: ASYNC110 - until it is connected
                await asyncio.sleep(0.01)
            following.cancel()
            await asyncio.sleep(0.1)  # the last feed has gone, and the client waits for the server's close
        await closed.wait()


@pytest.mark.parametrize("over", ["socket", "sse"])
async def test_feeds_survive_restarts_of_the_api_without_loss_or_repetition(
    config: ApiConfig, worker: Worker, over: Over
) -> None:
    total = 60
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"

        async def serve() -> tuple[Server, asyncio.Task[None]]:
            server = Server(create_app(config), log_config=None, access_log=False)
            running = asyncio.create_task(server.serve([listening.dup()]))
            while not server.started:  # noqa: ASYNC110 - uvicorn sets it
                await asyncio.sleep(0.01)
            return server, running

        server, running = await serve()
        async with AstraTrade(url, retry=FAST) as client:
            await worker.emit(topics.GAMIFICATION_EVENTS, xp_gained("u", 1))
            kept = Kept()
            done = keep(client.feed("xp", over=over, last=1), kept, lambda k: len(k.received) >= total)
            following = asyncio.create_task(done)
            while not kept.changes:  # noqa: ASYNC110 - until the feed is open
                await asyncio.sleep(0.01)
            for n in range(2, total + 1):
                await worker.emit(topics.GAMIFICATION_EVENTS, xp_gained("u", n))
                if n % 20 == 0:
                    server.should_exit = True
                    await running
                    server, running = await serve()
            await following
        server.should_exit = True
        await running
    assert [row["amount"] for row in kept.received] == list(range(1, total + 1))
    assert not any(isinstance(change, Resync) for change in kept.changes)


async def test_closing_the_client_ends_its_feeds(server: httpx.AsyncClient, worker: Worker) -> None:
    await worker.put_user(TABLE, "alice", progress(1))
    async with asyncio.timeout(TIMEOUT_S):
        async with client_of(server) as client:
            feed = client.feed("progress")
            await anext(feed)
            following = asyncio.create_task(keep(feed, Kept(), lambda _: False))
            await asyncio.sleep(0)
        with pytest.raises(UnreachableError, match="is closed"):
            await following


async def test_a_slow_reader_gets_a_new_snapshot_and_delays_no_other(
    server: httpx.AsyncClient, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_socket, "CHANGES_WAITING_MAX", 3)
    await worker.put_user(TABLE, "alice", progress(0))
    async with client_of(server) as client, asyncio.timeout(TIMEOUT_S):
        slow, fast = client.feed("progress"), client.feed("progress")
        first = await anext(slow)
        reading = asyncio.create_task(keep(fast, Kept(), lambda k: k.xp.get("alice") == 10))
        for n in range(1, 11):
            await worker.put_user(TABLE, "alice", progress(n))
            await asyncio.sleep(0.06)  # a round of the follower, so that each is a delta of its own
        await reading
        kept = Kept()
        kept.take(first)
        await keep(slow, kept, lambda k: k.xp.get("alice") == 10)
    assert Resync("slow_reader") in kept.changes
    assert isinstance(kept.changes[kept.changes.index(Resync("slow_reader")) + 1], Snapshot)


# --- rights -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("over", ["socket", "sse"])
async def test_a_private_feed_is_refused_to_an_anonymous_client_and_given_to_its_owner(
    server: httpx.AsyncClient, worker: Worker, over: Over
) -> None:
    await worker.put_user(TRADING_PORTFOLIO.name, "alice", portfolio(1))
    async with client_of(server) as client, asyncio.timeout(TIMEOUT_S):
        with pytest.raises(ProblemError) as refused:
            await anext(client.feed("portfolio", over=over))
        assert refused.value.status == 401
    async with client_of(server, token=token("alice")) as client, asyncio.timeout(TIMEOUT_S):
        snapshot = await anext(client.feed("portfolio", over=over))
        assert isinstance(snapshot, Snapshot)
        assert snapshot.rows[0]["practice_balance_usd"] == "1.00"


async def test_a_feed_that_does_not_exist_is_a_problem(server: httpx.AsyncClient) -> None:
    async with client_of(server) as client, asyncio.timeout(TIMEOUT_S):
        with pytest.raises(ProblemError) as refused:
            await anext(client.feed("nothing"))
    assert refused.value.kind == "not-found"


async def test_a_private_feed_ends_when_its_token_cannot_be_renewed(server: httpx.AsyncClient, worker: Worker) -> None:
    await worker.put_user(TRADING_PORTFOLIO.name, "alice", portfolio(1))
    async with client_of(server, token=token("alice", ttl_s=-3)) as client, asyncio.timeout(TIMEOUT_S):
        with pytest.raises((FeedEndedError, ProblemError)):
            async for _ in client.feed("portfolio"):
                pass


# --- commands and queries ---------------------------------------------------------------------------------------------


async def test_commands_and_queries_are_those_of_the_api(server: httpx.AsyncClient, worker: Worker) -> None:
    await worker.put_user(TABLE, "alice", progress(7))
    async with client_of(server, token=token("v", Role.VENUE)) as venue:
        first = await venue.report_fills([fill(1), fill(2)], idempotency_key="k-1")  # type: ignore[list-item]
        again = await venue.report_fills([fill(1), fill(2)], idempotency_key="k-1")  # type: ignore[list-item]
    assert first == again
    assert len(first["events"]) == 2
    async with client_of(server, token=token("alice")) as user:
        order = await user.open_trade({"market": "BTC", "side": "long", "notional_usd": "10", "leverage": 2})
        assert order["trade_id"]
        assert (await user.close_trade(order["trade_id"]))["topic"] == order["topic"]
        assert (await user.progress("alice"))["xp"] == 7
        assert (await user.board("xp", limit=5))["rows"] == []
        assert (await user.ranks("xp", ["alice", "bob"]))["rows"] == []
        assert (await user.fees())["fees"] == []
        assert (await user.candles("BTC", interval="1h", limit=5))["candles"] == []
        assert (await user.hours(limit=5))["hours"] == []
        assert (await user.fee_hours(limit=5))["hours"] == []
        assert (await user.days("alice", limit=5))["days"] == []
        assert (await user.prices())["prices"] == []
        assert (await user.open_trades("alice"))["trades"] == []
        assert (await user.positions("alice"))["positions"] == []
        for refused in (user.portfolio("alice"), user.trading_account("alice"), user.standing("xp", "alice")):
            with pytest.raises(ProblemError, match="404"):
                await refused
