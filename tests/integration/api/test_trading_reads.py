"""What the API shows of trading beside positions and portfolio: the account of a user, and the mark prices."""

from __future__ import annotations

import httpx
from faust_redis.log import Position
from msgspec.structs import replace

from streams.times import Instant
from streams.topology import changelog_topic
from streams.units import USD_UNIT, Quantity
from tables.reader import COPY_SHOWN
from tables.trading import TRADING_ACCOUNTS, TRADING_MARKS, Account, Mark
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
    assert_problem(await client.get(path, headers=ADA), 404, "not-found")
    await worker.put_user(TRADING_ACCOUNTS.name, "ada", ACCOUNT)
    shown = (await client.get(path, headers=ADA)).json()
    assert Position.parse(shown.pop("position")).topic == changelog_topic("astratrade", TRADING_ACCOUNTS.name)
    assert shown == {
        "user_id": "ada", "balance_usd": "9990.00", "margin_usd": "100.00", "opened_day": "2026-01-05",
        "opened_count": 3, "max_leverage": 20, "suspended": False, "tier": "unverified",
    }  # fmt: skip
    assert_problem(await client.get(path, headers=auth("bob")), 403, "forbidden")
    assert_problem(await client.get(path), 401, "unauthenticated")


async def test_the_feed_of_the_trading_account_tells_of_a_suspension(server: httpx.AsyncClient, worker: Worker) -> None:
    await worker.put_user(TRADING_ACCOUNTS.name, "ada", ACCOUNT)
    reader = await current(Reader(server, "/v1/feed/trading-account", options={"headers": ADA}))
    assert reader.table["ada"]["suspended"] is False
    await worker.put_user(TRADING_ACCOUNTS.name, "bob", replace(ACCOUNT, opened_count=9))
    await worker.put_user(TRADING_ACCOUNTS.name, "ada", replace(ACCOUNT, suspended=True))
    await reader.read(lambda r: r.table["ada"]["suspended"])
    assert set(reader.table) == {"ada"}


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
