"""Feed tickets: single use, short-lived, in every process, and never more than the token they stand for."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from faust_redis.log import Log

from api.app import create_app
from api.auth import Role
from api.config import ApiConfig
from api.kit.clock import now
from api.kit.feeds import session as sessions
from api.kit.feeds import tickets
from streams import topics
from streams.times import SECOND_US
from tests.integration.api.sse import Reader, events, serving
from tests.integration.api.support import SEALER, Worker, auth, token
from tests.integration.api.test_ingress import assert_problem
from tests.integration.api.test_private_trades import executed

PATH = "/v1/feed/my-trades"


async def ticket(client: httpx.AsyncClient, headers: dict[str, str]) -> str:
    answer = await client.post("/v1/feed/tickets", headers=headers)
    assert answer.status_code == 201, answer.text
    assert answer.headers["cache-control"] == "no-store"
    issued: dict[str, Any] = answer.json()
    assert issued["expires_in_s"] == 30
    return str(issued["ticket"])


async def test_a_ticket_opens_a_private_feed_once_in_any_process(
    server: httpx.AsyncClient, worker: Worker, config: ApiConfig
) -> None:
    await worker.emit(topics.TRADING_EVENTS, executed("ada", 1), executed("bob", 2))
    issued = await ticket(server, auth("ada"))
    async with serving(create_app(config)) as (url, _), httpx.AsyncClient(base_url=url) as elsewhere:
        reader = Reader(elsewhere, PATH, {"ticket": issued, "last": 5}, key="event_id")
        await reader.read(lambda r: r.last_id is not None)
        assert {row["user_id"] for row in reader.received} == {"ada"}
        for client in (elsewhere, server):
            again = await client.get(PATH, params={"ticket": issued})
            assert "ticket" in assert_problem(again, 401, "unauthenticated")["detail"]


async def test_of_many_uses_at_once_one_gets_the_feed(server: httpx.AsyncClient) -> None:
    issued = await ticket(server, auth("ada"))

    async def use() -> int:
        async with server.stream("GET", PATH, params={"ticket": issued}) as answer:
            return answer.status_code

    assert Counter(await asyncio.gather(*(use() for _ in range(10)))) == {200: 1, 401: 9}


async def test_an_expired_ticket_opens_nothing(server: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    issued = await ticket(server, auth("ada"))
    later = now() + 31 * SECOND_US
    monkeypatch.setattr(tickets, "now", lambda: later)
    assert_problem(await server.get(PATH, params={"ticket": issued}), 401, "unauthenticated")


async def test_the_broker_forgets_a_ticket_after_30_seconds_and_never_knew_the_token(
    server: httpx.AsyncClient, log: Log
) -> None:
    issued = await ticket(server, auth("ada"))
    [key] = [key async for key in log.redis.scan_iter(match=f"{log.keys.prefix}ticket:*")]
    assert 25_000 < await log.redis.pttl(key) <= 30_000
    kept = repr((key, await log.redis.hgetall(key)))
    name = SEALER.open("feed ticket", issued).partition(" ")[2]
    assert not [text for text in (token("ada").split(".")[1][:20], issued, name) if text in kept]


async def test_a_ticket_whose_entry_was_changed_on_the_broker_opens_nothing(
    server: httpx.AsyncClient, log: Log
) -> None:
    for changed in (SEALER.seal("another", token("bob")), token("bob"), "\xff"):
        issued = await ticket(server, auth("ada"))
        for key in [key async for key in log.redis.scan_iter(match=f"{log.keys.prefix}ticket:*")]:
            await log.redis.hset(key, "token", changed)
        assert_problem(await server.get(PATH, params={"ticket": issued}), 401, "unauthenticated")


async def test_a_forged_ticket_costs_no_call_to_the_broker(
    server: httpx.AsyncClient, served_app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    issued = await ticket(server, auth("ada"))

    async def called(*_: Any) -> None:
        raise AssertionError("the broker was asked")

    monkeypatch.setattr(served_app.state.api.tickets._log, "at_once", called)
    for forged in ("", "x", issued[:-2] + "AA", issued[1:], SEALER.seal("cursor", "9 x"), token("ada"), "A" * 4_000):
        assert_problem(await server.get(PATH, params={"ticket": forged}), 401, "unauthenticated")


async def test_a_ticket_has_the_rights_of_its_token_and_no_more(server: httpx.AsyncClient, worker: Worker) -> None:
    await worker.emit(topics.TRADING_EVENTS, executed("ada", 1))
    assert_problem(await server.post("/v1/feed/tickets"), 401, "unauthenticated")
    reader = Reader(server, PATH, {"ticket": await ticket(server, auth("v", Role.VENUE))}, key="event_id")
    await reader.read(lambda r: r.last_id is not None)
    assert not reader.received
    for path in ("/v1/users/ada/trades", "/v1/users/ada/positions", "/v1/account/privacy"):
        answer = await server.get(path, params={"ticket": await ticket(server, auth("ada"))})
        assert_problem(answer, 401, "unauthenticated")
    both = await server.get(PATH, params={"ticket": await ticket(server, auth("ada"))}, headers=auth("ada"))
    assert_problem(both, 400, "bad-request")
    two = [await ticket(server, auth("ada")) for _ in range(2)]
    assert_problem(await server.get(PATH, params={"ticket": two}), 400, "bad-request")


async def test_a_feed_by_ticket_ends_with_the_token(
    server: httpx.AsyncClient, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "PROGRESS_EVERY_S", 0.05)
    brief = {"Authorization": f"Bearer {token('ada', ttl_s=-3)}"}  # valid for 2 s more, by the skew of clocks
    seen = [event async for event in events(server, PATH, ticket=await ticket(server, brief))]
    assert (seen[-1].name, seen[-1].data) == ("end", {"why": "expired"})


async def test_a_token_in_a_url_opens_nothing(server: httpx.AsyncClient) -> None:
    for name in ("token", "access_token", "authorization"):
        assert_problem(await server.get(PATH, params={name: token("ada")}), 401, "unauthenticated")


async def test_public_feeds_need_no_ticket(server: httpx.AsyncClient, worker: Worker) -> None:
    for feed in ("trades", "xp", "progress", "fees"):
        async with server.stream("GET", f"/v1/feed/{feed}") as answer:
            assert answer.status_code == 200
