"""What the API shows of trading beside positions and portfolio: accounts, open trades and mark prices."""

from __future__ import annotations

from typing import Any

import httpx
import msgspec
from faust_redis.log import Position
from msgspec.structs import replace

from streams.times import Instant
from streams.topology import changelog_topic
from streams.units import USD_UNIT, Quantity
from tables.boards import Standing
from tables.keys import trade_key
from tables.reader import COPY_SHOWN
from tables.trading import (
    OPEN,
    TRADING_ACCOUNTS,
    TRADING_MARKS,
    TRADING_OWNED,
    TRADING_TRADES,
    Account,
    Mark,
    Status,
    Trade,
    owned_key,
)
from tests.integration.api.sse import Reader
from tests.integration.api.support import PARTITIONS, Worker, auth
from tests.integration.api.test_ingress import assert_problem

ADA = auth("ada")
NOON = Instant.parse("2026-01-05T12:00:00Z")
ACCOUNT = Account(
    balance=9_990 * USD_UNIT, margin=100 * USD_UNIT, opened_day=NOON.day_number(), opened_count=3, max_leverage=20
)


async def marked(worker: Worker, market: str, price: str, *, partition: int | None = None) -> None:
    """Set the mark price of a market in every partition, or in one."""
    row = Mark(price=Quantity.parse(price), at=NOON)
    for each in range(PARTITIONS) if partition is None else (partition,):
        await worker.put(TRADING_MARKS.name, market, row, partition=each)


async def current(reader: Reader) -> Reader:
    await reader.read(lambda r: r.last_id is not None)
    return reader


# --- accounts ---------------------------------------------------------------------------------------------------------


async def test_the_trading_account_is_shown_to_its_owner(client: httpx.AsyncClient, worker: Worker) -> None:
    path = "/v1/users/ada/trading-account"
    absent = assert_problem(await client.get(path, headers=ADA), 404, "not-found")
    assert absent["detail"].endswith(
        "the account begins with the rule book's practice balance when an order opens a trade"
    )
    await worker.put_user(TRADING_ACCOUNTS.name, "ada", ACCOUNT)
    shown = (await client.get(path, headers=ADA)).json()
    assert Position.parse(shown.pop("position")).topic == changelog_topic("astratrade", TRADING_ACCOUNTS.name)
    assert shown == {
        "user_id": "ada", "balance_usd": "9990.00", "margin_usd": "100.00", "opened_day": "2026-01-05",
        "opened_count": 3, "max_leverage": 20, "suspended": False, "tier": "unverified",
    }  # fmt: skip
    foreign = assert_problem(await client.get(path, headers=auth("bob")), 403, "forbidden")
    assert foreign["detail"].endswith("it needs their token, or one with the role admin or moderator or service")
    assert_problem(await client.get(path), 401, "unauthenticated")


async def test_the_feed_of_the_trading_account_tells_of_a_suspension(server: httpx.AsyncClient, worker: Worker) -> None:
    await worker.put_user(TRADING_ACCOUNTS.name, "ada", ACCOUNT)
    reader = await current(Reader(server, "/v1/feed/trading-account", options={"headers": ADA}))
    assert reader.table["ada"]["suspended"] is False
    await worker.put_user(TRADING_ACCOUNTS.name, "bob", replace(ACCOUNT, opened_count=9))
    await worker.put_user(TRADING_ACCOUNTS.name, "ada", replace(ACCOUNT, suspended=True))
    await reader.read(lambda r: r.table["ada"]["suspended"])
    assert set(reader.table) == {"ada"}


# --- trades -----------------------------------------------------------------------------------------------------------


async def opened(worker: Worker, user: str, trade_id: str, minute: int, *, status: Status = "open") -> None:
    """Leave a practice trade as trading does."""
    at, partition = int(NOON) + minute * 60_000_000, worker.partition(user)
    trade = Trade(
        market="BTC", side="long", mode="practice", venue="practice", status=status, fills=1, notional=1_500 * USD_UNIT,
        size=Quantity.parse("0.025"), fees=USD_UNIT, entry_price=Quantity.of(60_000), leverage=5, margin=300 * USD_UNIT,
        liquidation_price=Quantity.of(48_600), opened_at=at, updated_at=at,
    )  # fmt: skip
    place = {OPEN: Standing(at, 0).ranked}
    listed = msgspec.msgpack.encode(place) if status == "open" else None
    await worker.put(TRADING_TRADES.name, trade_key(user, trade_id), trade, partition=partition)
    await worker.put(TRADING_OWNED.name, owned_key(user, trade_id), listed, partition=partition)


async def test_open_trades_are_paged_latest_first_to_their_owner(client: httpx.AsyncClient, worker: Worker) -> None:
    for minute in range(5):
        await opened(worker, "ada", f"t-{minute}", minute)
    await opened(worker, "bob", "t-9", 9)
    await opened(worker, "ada", "t-3", 3, status="closed")
    path, query, seen = "/v1/users/ada/open-trades", dict[str, Any](limit=3), []
    for _ in range(2):
        page = (await client.get(path, params=query, headers=ADA)).json()
        seen += [one["trade_id"] for one in page["trades"]]
        query["cursor"] = page["next_cursor"]
    assert (seen, query["cursor"], page["total"]) == (["t-4", "t-2", "t-1", "t-0"], None, 4)
    assert page["trades"][0] == {
        "trade_id": "t-0", "market": "BTC", "side": "long", "mode": "practice", "venue": "practice", "status": "open",
        "fills": 1, "notional_usd": "1500.00", "size": "0.025", "fees_usd": "1.00", "pnl_usd": "0.00",
        "entry_price": "60000", "exit_price": None, "leverage": 5, "margin_usd": "300.00",
        "liquidation_price": "48600", "client_ref": None, "opened_at": "2026-01-05T12:00:00Z",
        "updated_at": "2026-01-05T12:00:00Z",
    }  # fmt: skip
    first = (await client.get(path, params={"limit": 1}, headers=ADA)).json()["next_cursor"]
    elsewhere = await client.get("/v1/users/bob/open-trades", params={"cursor": first}, headers=auth("bob"))
    assert_problem(elsewhere, 400, "unknown-cursor")
    assert_problem(await client.get(path, headers=auth("bob")), 403, "forbidden")
    assert (await client.get("/v1/users/cyd/open-trades", headers=auth("cyd"))).json()["trades"] == []


async def test_a_trade_is_shown_by_its_id_also_as_it_was(client: httpx.AsyncClient, worker: Worker) -> None:
    await opened(worker, "ada", "t-1", 1)
    path = "/v1/users/ada/trades/t-1"
    first = (await client.get(path, headers=ADA)).json()
    await opened(worker, "ada", "t-1", 1, status="liquidated")
    assert (await client.get(path, headers=ADA)).json()["status"] == "liquidated"
    assert (await client.get(path, params={"at": first["position"]}, headers=ADA)).json() == first
    assert first["status"] == "open"
    absent = assert_problem(await client.get("/v1/users/ada/trades/t-2", headers=ADA), 404, "not-found")
    assert absent["detail"] == (
        "there is no trade 't-2': its order was rejected, or is still to come, or it has left 400 days or more after "
        "its last change, and the archive has it; see GET /v1/users/ada/trades"
    )
    assert_problem(await client.get(path, headers=auth("bob")), 403, "forbidden")


async def test_the_feed_of_open_trades_begins_with_the_open_ones_and_tells_of_their_end(
    server: httpx.AsyncClient, worker: Worker
) -> None:
    await opened(worker, "ada", "t-1", 1)
    await opened(worker, "ada", "t-2", 2)
    await opened(worker, "ada", "t-2", 2, status="closed")
    reader = await current(Reader(server, "/v1/feed/open-trades", key="trade_id", options={"headers": ADA}))
    assert {name: row["status"] for name, row in reader.table.items()} == {"t-1": "open"}
    await opened(worker, "bob", "t-3", 3)
    await opened(worker, "ada", "t-1", 1, status="liquidated")
    await opened(worker, "ada", "t-4", 4)
    await reader.read(lambda r: "t-4" in r.table)
    assert {name: row["status"] for name, row in reader.table.items()} == {"t-1": "liquidated", "t-4": "open"}


# --- prices -----------------------------------------------------------------------------------------------------------


async def test_mark_prices_are_public_by_market(client: httpx.AsyncClient, worker: Worker) -> None:
    assert (await client.get("/v1/prices")).json()["prices"] == []
    await marked(worker, "ETH", "2610")
    await marked(worker, "BTC", "63250.5")
    shown = (await client.get("/v1/prices")).json()
    btc = {"market": "BTC", "price": "63250.5", "at": "2026-01-05T12:00:00Z"}
    assert shown["prices"] == [btc, {"market": "ETH", "price": "2610", "at": "2026-01-05T12:00:00Z"}]
    assert (await client.get("/v1/prices/BTC")).json() == {**btc, "position": shown["position"]}
    assert_problem(await client.get("/v1/prices/SOL"), 404, "not-found")
    assert_problem(await client.get("/v1/prices/a%20b"), 422, "validation")


async def test_of_the_copies_of_a_price_always_the_same_one_is_shown(
    client: httpx.AsyncClient, server: httpx.AsyncClient, worker: Worker
) -> None:
    ahead = (COPY_SHOWN + 1) % PARTITIONS
    await marked(worker, "BTC", "1")
    await marked(worker, "BTC", "2", partition=ahead)
    assert (await client.get("/v1/prices/BTC")).json()["price"] == "1"
    reader = await current(Reader(server, "/v1/feed/prices", key="market"))
    assert reader.table["BTC"]["price"] == "1"
    await marked(worker, "BTC", "3", partition=ahead)
    await marked(worker, "BTC", "3", partition=COPY_SHOWN)
    await marked(worker, "BTC", "4", partition=ahead)
    await marked(worker, "ETH", "5")
    await reader.read(lambda r: "ETH" in r.table)
    assert [(row["market"], row["price"]) for row in reader.received] == [("BTC", "1"), ("BTC", "3"), ("ETH", "5")]


async def test_a_feed_of_one_markets_price_shows_no_other(server: httpx.AsyncClient, worker: Worker) -> None:
    await marked(worker, "BTC", "1")
    await marked(worker, "ETH", "2")
    reader = await current(Reader(server, "/v1/feed/prices", key="market", options={"market": "ETH"}))
    assert set(reader.table) == {"ETH"}
    await marked(worker, "BTC", "3")
    await marked(worker, "ETH", "4")
    await reader.read(lambda r: r.table["ETH"]["price"] == "4")
    assert set(reader.table) == {"ETH"}
