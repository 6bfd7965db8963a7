"""What the public sees of trades, and what their owner sees. Attack 1, finding 2."""

from __future__ import annotations

import asyncio
from collections import Counter
from itertools import chain
from typing import Any

import httpx
import pytest
from faust_redis.log import Log, Record

from api.auth import Role
from api.kit import own_history
from streams import topics
from streams.events import AnyEvent, Event, encode
from streams.events.gamification import XPGained
from streams.events.trading import TradeExecuted, TradeRejected
from streams.ids import new_id
from streams.times import Instant
from streams.units import Quantity, Usd
from tables.boards import group
from tables.gamification import GAMIFICATION_PROGRESS, Progress, Unlocked
from tests.integration.api.sse import Reader
from tests.integration.api.support import PARTITIONS, SEALER, Worker, auth
from tests.integration.api.test_ingress import assert_problem

PUBLIC = {"id", "time", "market", "side", "price", "size"}
USERS = ("ada", "bob", "cyd")


def executed(user: str, n: int) -> AnyEvent:
    data = TradeExecuted(
        trade_id=f"t-{n}", fill_id=f"f-{n}", venue="v", market="BTC", side="buy", mode="live", price=Quantity.of(2),
        size=Quantity.of(n), notional_usd=Usd.of(2 * n), fee_usd=Usd.of(1), closed_pnl_usd=Usd.of(-n), closes=True,
    )  # fmt: skip
    return first(data, user, n)


def first(data: Any, user: str, n: int) -> AnyEvent:
    time = Instant(n * 1_000_000)
    return Event.first(data, event_id=new_id(time), time=time, key=user, rules_version=1)


async def trade(worker: Worker, count: int) -> dict[str, list[str]]:
    """Let users trade in turn; return the ids of each user's events."""
    ids: dict[str, list[str]] = {user: [] for user in USERS}
    for n in range(1, count + 1):
        user = USERS[n % len(USERS)]
        event = executed(user, n)
        ids[user].append(event.id)
        await worker.emit(topics.TRADING_EVENTS, event)
    return ids


async def current(reader: Reader) -> Reader:
    await reader.read(lambda r: r.last_id is not None)
    return reader


async def test_the_tape_tells_nothing_of_a_user(server: httpx.AsyncClient, worker: Worker) -> None:
    ids = await trade(worker, 9)
    tape = await current(Reader(server, "/v1/feed/trades", {"last": 500}, key="id"))
    assert len(tape.table) == 9
    assert all(row.keys() == PUBLIC for row in tape.received)
    shown = repr(tape.received)
    assert not [word for word in (*USERS, "f-1", "t-1", *chain(*ids.values())) if word in shown]


async def test_a_forged_resume_id_gets_the_public_form_alone(server: httpx.AsyncClient, worker: Worker) -> None:
    """The attack: an id with the offset 0 for each partition gave up to 10,000 fills with their users."""
    await trade(worker, 9)
    epoch = (await worker.log.topic(topics.TRADING_EVENTS)).incarnation
    start = f"{epoch}:" + ".".join(f"{p}-0" for p in range(PARTITIONS))
    mine = await current(Reader(server, "/v1/feed/my-trades", {"headers": auth("ada")}, key="event_id"))
    assert mine.last_id is not None
    foreign = SEALER.seal("feed my-trades", start)
    for forged in (start, f"{start}~00000000", mine.last_id, foreign, mine.last_id[:-2] + "AA", "A" * 400):
        tape = Reader(server, "/v1/feed/trades", {"last": 1}, key="id", last_id=forged)
        await tape.read(lambda r: "snapshot" in r.names and bool(r.last_id))
        assert tape.resyncs == ["malformed"]
        assert len(tape.received) == 1
        assert all(row.keys() == PUBLIC for row in tape.received)


async def test_a_resume_id_does_not_tell_in_which_partition_a_fill_was(
    server: httpx.AsyncClient, worker: Worker
) -> None:
    """The partition derives from the user, so the offsets would tell which fills can be of one user."""
    tape = await current(Reader(server, "/v1/feed/trades", {"last": 1}, key="id"))
    seen = {tape.last_id}
    for n, user in enumerate(("ada", "ada", "bob", "ada"), start=1):
        await worker.emit(topics.TRADING_EVENTS, executed(user, n))
        before = len(tape.received)
        await tape.read(lambda r, before=before: len(r.received) > before)
        assert tape.last_id is not None
        assert topics.TRADING_EVENTS not in tape.last_id
        seen.add(tape.last_id)
    starts = Counter(text[:8] for text in seen if text)
    assert max(starts.values()) == 1, "ids share no beginning, as they would with readable offsets"


async def test_ids_of_the_tape_join_with_no_other_public_feed(server: httpx.AsyncClient, worker: Worker) -> None:
    fill = executed("ada", 1)
    await worker.emit(topics.TRADING_EVENTS, fill)
    gained = XPGained(amount=1, multiplier_ppm=0, source="trade", source_event_id=fill.id, total_xp=1)
    await worker.emit(topics.GAMIFICATION_EVENTS, fill.then(gained))
    tape = await current(Reader(server, "/v1/feed/trades", key="id"))
    xp = await current(Reader(server, "/v1/feed/xp", key="type"))
    [shown], [earned] = tape.received, xp.received
    assert not set(shown.values()) & set(earned.values())


async def test_the_rebuilding_of_a_users_fills_from_all_public_rows_fails(
    server: httpx.AsyncClient, worker: Worker
) -> None:
    """The attack: join the tape with everything that names a user, by any id or time that both have."""
    for n in range(1, 31):
        user, fill = USERS[n % len(USERS)], executed(USERS[n % len(USERS)], n)
        await worker.emit(topics.TRADING_EVENTS, fill)
        gained = XPGained(amount=n, multiplier_ppm=0, source="trade", source_event_id=fill.id, total_xp=n)
        await worker.emit(topics.GAMIFICATION_EVENTS, fill.then(gained))
        row = Progress(
            xp=n, max_leverage=10, updated_at=int(fill.time), achievements=(Unlocked(name="a", at=int(fill.time)),)
        )
        await worker.put_user(GAMIFICATION_PROGRESS.name, user, row)
        await worker.rank(group("volume", "global", "all"), user, n, int(fill.time))
    tape = await current(Reader(server, "/v1/feed/trades", {"last": 500}, key="id"))
    board = {"board": "volume", "period": "all"}
    named = [
        await current(Reader(server, f"/v1/feed/{feed}", options, key=key))
        for feed, options, key in (
            ("xp", {"last": 500}, "id"),
            ("progress", {}, "user_id"),
            ("boards", board, "user_id"),
        )
    ]
    pages = [(await server.get("/v1/leaderboards/volume")).json()]
    pages += [(await server.get(f"/v1/users/{user}/progress")).json() for user in USERS]
    known = repr([reader.received for reader in named]) + repr(pages)
    assert all(user in known for user in USERS)
    assert len(tape.received) == 30
    assert not [row for row in tape.received if row["id"] in known or row["time"] in known]


async def test_an_owner_sees_own_executions_and_rejections_in_full(server: httpx.AsyncClient, worker: Worker) -> None:
    mine = Reader(server, "/v1/feed/my-trades", {"headers": auth("ada")}, key="event_id")
    reading = asyncio.create_task(mine.read(lambda r: len(r.table) == 2))
    await mine.current.wait()
    fill = executed("ada", 1)
    rejected = first(TradeRejected(command="OpenTrade", reason="margin", detail="too little"), "ada", 2)
    await worker.emit(topics.TRADING_EVENTS, executed("bob", 9), fill, rejected)
    await reading
    assert {row["user_id"] for row in mine.received} == {"ada"}
    assert mine.table[fill.id]["fee_usd"] == "1.00"
    assert mine.table[fill.id]["closed_pnl_usd"] == "-1.00"
    assert mine.table[rejected.id]["type"] == "TradeRejected"
    answer = (await server.get("/v1/users/ada/trades", headers=auth("ada"))).json()
    assert [row["event_id"] for row in answer["trades"]] == [rejected.id, fill.id]
    assert {tuple(sorted(row)) for row in answer["trades"]} == {tuple(sorted(row)) for row in mine.received}


async def test_own_trades_are_paged_newest_first(
    client: httpx.AsyncClient, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(own_history, "CHUNK_RECORDS", 4)
    monkeypatch.setattr(own_history, "SCANNED_RECORDS_MAX", 10)
    ids = await trade(worker, 60)
    seen: list[str] = []
    cursor: str | None = None
    pages = 0
    while cursor is not None or not pages:
        given = {"limit": "3"} | ({"cursor": cursor} if cursor else {})
        page = (await client.get("/v1/users/bob/trades", params=given, headers=auth("bob"))).json()
        assert len(page["trades"]) <= 3
        seen += [row["event_id"] for row in page["trades"]]
        cursor, pages = page["next_cursor"], pages + 1
    assert seen == ids["bob"][::-1]
    assert pages > 6


async def test_trades_without_a_record_are_an_empty_page(client: httpx.AsyncClient, worker: Worker) -> None:
    answer = (await client.get("/v1/users/nobody/trades", headers=auth("nobody"))).json()
    assert answer == {"user_id": "nobody", "trades": [], "next_cursor": None}


async def test_a_cursor_of_own_trades_is_for_one_user(client: httpx.AsyncClient, worker: Worker, log: Log) -> None:
    event = executed("ada", 1)
    for _ in range(3):
        await log.append([Record(topics.TRADING_EVENTS, worker.partition("ada"), b"ada", encode(event), 0)])
    parameters = {"limit": "1"}
    cursor = (await client.get("/v1/users/ada/trades", params=parameters, headers=auth("ada"))).json()["next_cursor"]
    for bad in (cursor[:-2] + "AA", "1", ""):
        refused = await client.get("/v1/users/ada/trades", params={"cursor": bad}, headers=auth("ada"))
        assert_problem(refused, 400, "unknown-cursor")
    refused = await client.get("/v1/users/bob/trades", params={"cursor": cursor}, headers=auth("bob"))
    assert_problem(refused, 400, "unknown-cursor")


async def test_a_stranger_gets_no_trades(client: httpx.AsyncClient, worker: Worker) -> None:
    assert_problem(await client.get("/v1/users/ada/trades"), 401, "unauthenticated")
    assert_problem(await client.get("/v1/users/ada/trades", headers=auth("bob")), 403, "forbidden")
    assert_problem(await client.get("/v1/users/ada/trades", headers=auth("v", Role.VENUE)), 403, "forbidden")
    assert_problem(await client.get("/v1/feed/my-trades"), 401, "unauthenticated")
