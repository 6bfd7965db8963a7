"""Windows by query and feed: the parts of all partitions merged, ranges, deleted windows, and who may read days."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from api.auth import Role
from streams.times import DAY_US, HOUR_US, MINUTE_US, Instant
from streams.units import USD_UNIT, Quantity
from tables.candles import Candle
from tables.fee_hours import FeeHour, HourlyFee
from tables.financial import FINANCIAL_FEE_HOURS, FINANCIAL_WATERMARK
from tables.gamification import (
    GAMIFICATION_DAYS,
    GAMIFICATION_HOURS,
    GAMIFICATION_WATERMARK,
    DailyTrading,
    UserDay,
    day_key,
)
from tables.hours import Hour, HourlyTrading
from tables.trading import TRADING_CANDLES, TRADING_WATERMARK
from tables.watermark import PRACTICE_KEY, WATERMARK_KEY, Watermark
from tables.windows import window_key
from tests.integration.api.sse import Reader
from tests.integration.api.support import PARTITIONS, Worker, auth
from tests.integration.api.test_ingress import assert_problem

NOW = Instant.parse("2024-09-20T12:34:56Z")
MINUTE = Instant(NOW // MINUTE_US * MINUTE_US)
HOUR = Instant(NOW // HOUR_US * HOUR_US)
PATH = "/v1/markets/BTC/candles"


def candle(price: str, at: int, fill_id: str = "f", trades: int = 1) -> Candle:
    amount = Quantity.parse(price)
    return Candle(
        open=amount,
        high=amount,
        low=amount,
        close=amount,
        volume=Quantity.parse("0.5"),
        notional=USD_UNIT,
        trades=trades,
        first_at=at,
        first_id=fill_id,
        last_at=at,
        last_id=fill_id,
    )


async def put_candle(worker: Worker, partition: int, begin: int, one: Candle, mode: str = "live") -> None:
    key = window_key("1m", begin, "BTC", mode)
    await worker.put(TRADING_CANDLES.name, key, one, partition=partition)


async def see(worker: Worker, highest: int, *, partition: int = 0, **kept_from: int) -> None:
    """Move the watermarks of a partition."""
    for table in (TRADING_WATERMARK, GAMIFICATION_WATERMARK, FINANCIAL_WATERMARK):
        row = Watermark(highest=highest, kept_from={name.strip("_"): begin for name, begin in kept_from.items()})
        await worker.put(table.name, WATERMARK_KEY, row, partition=partition)


async def got(client: httpx.AsyncClient, path: str = PATH, **parameters: Any) -> Any:
    answer = await client.get(path, params=parameters)
    assert answer.status_code == httpx.codes.OK, answer.text
    return answer.json()


async def test_a_candle_is_merged_from_the_parts_of_all_partitions(client: httpx.AsyncClient, worker: Worker) -> None:
    await put_candle(worker, 0, MINUTE, candle("5", MINUTE + 2))
    await put_candle(worker, 1, MINUTE, candle("9", MINUTE + 1))
    await put_candle(worker, 2, MINUTE, candle("3", MINUTE + 3))
    await see(worker, NOW)
    answer = await got(client)
    assert answer["candles"] == [
        {
            "interval": "1m",
            "begin": "2024-09-20T12:34:00Z",
            "market": "BTC",
            "mode": "live",
            "open": "9",
            "high": "9",
            "low": "3",
            "close": "3",
            "volume": "1.5",
            "notional_usd": "3.00",
            "trades": 3,
        }
    ]
    assert answer["position"].startswith("astratrade-trading-candles-changelog@")


async def test_candles_end_with_the_newest_execution_of_their_mode(
    client: httpx.AsyncClient, server: httpx.AsyncClient, worker: Worker
) -> None:
    """A practice trade of today has today's time. It hides no live candle of an old replay."""
    later = Instant(MINUTE + 800 * DAY_US)
    for begin, mode, price in ((MINUTE, "live", "5"), (later, "practice", "100")):
        await put_candle(worker, 0, begin, candle(price, begin), mode=mode)
        day = begin // DAY_US * DAY_US
        await worker.put(TRADING_CANDLES.name, window_key("1d", day, "BTC", mode), candle(price, begin), partition=0)
    await see(worker, NOW)
    mark = Watermark(highest=later, kept_from={"1m": later})
    await worker.put(TRADING_WATERMARK.name, PRACTICE_KEY, mark, partition=1)
    for mode, price in (("live", "5"), ("practice", "100")):
        assert [one["close"] for one in (await got(client, mode=mode))["candles"]] == [price]
        assert [one["close"] for one in (await got(client, "/v1/markets", mode=mode))["markets"]] == [price]
        reader = Reader(server, "/v1/feed/candles", {"market": "BTC", "mode": mode}, key="begin")
        await reader.read(lambda r: r.last_id is not None)
        assert [one["close"] for one in reader.table.values()] == [price]


async def test_the_range_ends_with_the_newest_window_and_can_be_paged_back(
    client: httpx.AsyncClient, worker: Worker
) -> None:
    for number in range(5):
        await put_candle(worker, number % PARTITIONS, MINUTE - number * MINUTE_US, candle(str(number + 1), NOW))
    await see(worker, NOW, partition=2)
    last = await got(client, limit=2)
    assert [one["close"] for one in last["candles"]] == ["2", "1"]
    assert (last["begin"], last["end"]) == ("2024-09-20T12:33:00Z", "2024-09-20T12:35:00Z")
    before = await got(client, limit=2, end=last["begin"])
    assert [one["close"] for one in before["candles"]] == ["4", "3"]
    both = await got(client, begin="2024-09-20T12:32:30Z", end="2024-09-20T12:33:01Z")
    assert [one["close"] for one in both["candles"]] == ["3", "2"]
    none = await got(client, begin="2024-09-21T00:00:00Z")
    assert none["candles"] == []


async def test_a_window_that_one_partition_has_deleted_is_not_shown_in_part(
    client: httpx.AsyncClient, worker: Worker
) -> None:
    await put_candle(worker, 0, MINUTE - MINUTE_US, candle("5", NOW))
    await put_candle(worker, 0, MINUTE, candle("6", NOW))
    await see(worker, NOW, partition=0)
    assert len((await got(client))["candles"]) == 2
    await see(worker, NOW, partition=1, _1m=MINUTE)
    assert [one["close"] for one in (await got(client))["candles"]] == ["6"]


async def test_without_an_execution_the_answer_is_empty(client: httpx.AsyncClient, worker: Worker) -> None:
    del worker
    answer = await got(client)
    assert answer["candles"] == []


@pytest.mark.parametrize(
    ("path", "parameters", "name"),
    [
        (PATH, {"interval": "2m"}, "interval"),
        (PATH, {"limit": "1001"}, "limit"),
        (PATH, {"begin": "yesterday"}, "begin"),
        (PATH, {"mode": "paper"}, "mode"),
        ("/v1/stats/hours", {"end": "2024-09-20"}, "end"),
        ("/v1/fees/hours", {"limit": "0"}, "limit"),
    ],
)
async def test_a_wrong_range_is_refused_by_name(
    client: httpx.AsyncClient, worker: Worker, path: str, parameters: dict[str, str], name: str
) -> None:
    del worker
    problem = assert_problem(await client.get(path, params=parameters), 422, "validation")
    assert name in str(problem)


async def test_hours_add_up_the_partitions(client: httpx.AsyncClient, worker: Worker) -> None:
    part = Hour(users=2, live=HourlyTrading(executions=3, volume=USD_UNIT), xp={"trade": 5})
    for partition in (0, 3):
        await worker.put(GAMIFICATION_HOURS.name, window_key("1h", HOUR), part, partition=partition)
    await see(worker, NOW)
    assert (await got(client, "/v1/stats/hours"))["hours"] == [
        {
            "begin": "2024-09-20T12:00:00Z",
            "users": 4,
            "live": {"executions": 6, "volume_usd": "2.00"},
            "practice": {"executions": 0, "volume_usd": "0.00"},
            "xp": {"trade": 10},
        }
    ]


async def test_fees_of_an_hour_are_in_their_asset(client: httpx.AsyncClient, worker: Worker) -> None:
    usd = HourlyFee(amount=USD_UNIT, count=1, beneficiaries={"treasury": USD_UNIT})
    shards = HourlyFee(amount=3, count=1, beneficiaries={"treasury": 3})
    await worker.put(FINANCIAL_FEE_HOURS.name, window_key("1h", HOUR), FeeHour(fees={"trading|USD": usd}), partition=0)
    both = FeeHour(fees={"trading|USD": usd, "nft|SS": shards})
    await worker.put(FINANCIAL_FEE_HOURS.name, window_key("1h", HOUR), both, partition=1)
    await see(worker, NOW)
    [hour] = (await got(client, "/v1/fees/hours"))["hours"]
    assert hour["begin"] == "2024-09-20T12:00:00Z"
    assert hour["fees"] == [
        {"source": "nft", "asset": "SS", "amount": "3", "count": 1, "beneficiaries": {"treasury": "3"}},
        {"source": "trading", "asset": "USD", "amount": "2.00", "count": 2, "beneficiaries": {"treasury": "2.00"}},
    ]


# --- a user's days ----------------------------------------------------------------------------------------------------


async def put_day(worker: Worker, user: str, day: str, row: UserDay) -> None:
    await worker.put(GAMIFICATION_DAYS.name, day_key(user, day), row, partition=worker.partition(user))


async def test_days_belong_to_the_user(client: httpx.AsyncClient, worker: Worker) -> None:
    live = DailyTrading(trades=1, volume=5 * USD_UNIT, pnl=-USD_UNIT, fees=USD_UNIT // 2)
    await put_day(worker, "ada", "2024-09-19", UserDay(xp=15, live=live, streaks={"trading": 3}, hours=1))
    await put_day(worker, "bob", "2024-09-19", UserDay(xp=1))
    await see(worker, NOW)
    answer = await client.get("/v1/users/ada/days", headers=auth("ada"))
    assert answer.json()["days"] == [
        {
            "day": "2024-09-19",
            "xp": 15,
            "live": {"trades": 1, "volume_usd": "5.00", "pnl_usd": "-1.00", "fees_usd": "0.50"},
            "practice": {"trades": 0, "volume_usd": "0.00", "pnl_usd": "0.00", "fees_usd": "0.00"},
            "streaks": {"trading": 3},
        }
    ]
    assert (answer.json()["begin"], answer.json()["end"]) == ("2024-06-13T00:00:00Z", "2024-09-21T00:00:00Z")
    assert_problem(await client.get("/v1/users/ada/days"), 401, "unauthenticated")
    for other in (auth("bob"), auth("mod", Role.MODERATOR)):
        assert_problem(await client.get("/v1/users/ada/days", headers=other), 403, "forbidden")
    reason = {**auth("mod", Role.MODERATOR), "X-Audit-Reason": "a complaint of the user"}
    assert (await client.get("/v1/users/ada/days", headers=reason)).status_code == httpx.codes.OK


async def test_the_feed_of_days_is_the_callers(server: httpx.AsyncClient, worker: Worker) -> None:
    await put_day(worker, "ada", "2024-09-20", UserDay(xp=1))
    await put_day(worker, "bob", "2024-09-20", UserDay(xp=100))
    await see(worker, NOW)
    reader = Reader(server, "/v1/feed/days", key="day", options={"headers": auth("ada")})
    await reader.read(lambda r: r.last_id is not None)
    assert {day: row["xp"] for day, row in reader.table.items()} == {"2024-09-20": 1}
    await put_day(worker, "bob", "2024-09-20", UserDay(xp=101))
    await put_day(worker, "ada", "2024-09-21", UserDay(xp=2))
    await reader.read(lambda r: "2024-09-21" in r.table)
    assert {day: row["xp"] for day, row in reader.table.items()} == {"2024-09-20": 1, "2024-09-21": 2}


# --- feeds ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/v1/markets/NOPE/candles", "/v1/feed/candles?market=NOPE"])
async def test_candles_of_an_unknown_market_are_refused(client: httpx.AsyncClient, path: str) -> None:
    problem = assert_problem(await client.get(path), 422, "validation")
    assert problem["errors"] == [{"parameter": "market", "detail": "there is no market 'NOPE'"}]


async def test_a_feed_of_candles_sends_whole_candles(server: httpx.AsyncClient, worker: Worker) -> None:
    await put_candle(worker, 0, MINUTE, candle("5", MINUTE + 2))
    await put_candle(worker, 1, MINUTE, candle("9", MINUTE + 1))
    await see(worker, NOW)
    reader = Reader(server, "/v1/feed/candles", options={"market": "BTC"}, key="begin")
    await reader.read(lambda r: r.last_id is not None)
    begin = MINUTE.text()
    assert (reader.table[begin]["open"], reader.table[begin]["close"]) == ("9", "5")
    await put_candle(worker, 0, MINUTE, candle("7", MINUTE + 9), mode="practice")
    await put_candle(worker, 2, MINUTE, candle("4", MINUTE + 3))
    await reader.read(lambda r: r.table[begin]["trades"] == 3)
    assert (reader.table[begin]["open"], reader.table[begin]["close"]) == ("9", "4")
    following = Instant(MINUTE + MINUTE_US)
    await put_candle(worker, 3, following, candle("8", following))
    await reader.read(lambda r: following.text() in r.table)
    assert {row["mode"] for row in reader.table.values()} == {"live"}


async def test_a_deleted_window_sends_nothing_and_leaves_the_feed_open(
    server: httpx.AsyncClient, worker: Worker
) -> None:
    await put_candle(worker, 0, MINUTE, candle("5", MINUTE))
    await see(worker, NOW)
    reader = Reader(server, "/v1/feed/candles", options={"market": "BTC"}, key="begin")
    await reader.read(lambda r: r.last_id is not None)
    key = window_key("1m", MINUTE, "BTC", "live")
    await worker.put(TRADING_CANDLES.name, key, None, partition=0)
    following = Instant(MINUTE + MINUTE_US)
    await put_candle(worker, 3, following, candle("8", following))
    await reader.read(lambda r: following.text() in r.table)
    assert reader.table[MINUTE.text()]["close"] == "5"


async def test_the_markets_of_the_day_are_told_and_followed(
    client: httpx.AsyncClient, server: httpx.AsyncClient, worker: Worker
) -> None:
    day = Instant(NOW // DAY_US * DAY_US)
    before = Instant(day - DAY_US)
    for market, begin, price in (("BTC", day, "5"), ("ETH", day, "7"), ("SOL", before, "9")):
        await worker.put(TRADING_CANDLES.name, window_key("1d", begin, market, "live"), candle(price, NOW), partition=1)
    await see(worker, NOW)
    answer = await got(client, "/v1/markets")
    assert [(one["market"], one["interval"], one["close"]) for one in answer["markets"]] == [
        ("BTC", "1d", "5"),
        ("ETH", "1d", "7"),
    ]
    assert (answer["begin"], answer["end"]) == ("2024-09-20T00:00:00Z", "2024-09-21T00:00:00Z")
    assert (await got(client, "/v1/markets", mode="practice"))["markets"] == []
    reader = Reader(server, "/v1/feed/markets", key="market")
    await reader.read(lambda r: r.last_id is not None)
    assert set(reader.table) == {"BTC", "ETH"}
    await worker.put(TRADING_CANDLES.name, window_key("1d", day, "SOL", "live"), candle("8", NOW), partition=2)
    await put_candle(worker, 0, MINUTE, candle("4", MINUTE))
    await reader.read(lambda r: "SOL" in r.table)
    assert {market: row["close"] for market, row in reader.table.items()} == {"BTC": "5", "ETH": "7", "SOL": "8"}


async def test_however_many_watch_a_change_few_reads_serve_them(
    server: httpx.AsyncClient, served_app: FastAPI, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables, reads = served_app.state.api.hub.tables, 0
    read = tables.parts

    async def counted(*args: Any) -> Any:
        nonlocal reads
        reads += 1
        return await read(*args)

    await worker.put(GAMIFICATION_HOURS.name, window_key("1h", HOUR), Hour(users=1), partition=0)
    await see(worker, NOW)
    readers = [Reader(server, "/v1/feed/hours", key="begin") for _ in range(10)]

    def is_summed(reader: Reader) -> bool:
        return HOUR.text() in reader.table and reader.table[HOUR.text()]["users"] == 8

    waiting = [asyncio.create_task(reader.read(is_summed)) for reader in readers]
    await asyncio.gather(*[reader.current.wait() for reader in readers])
    monkeypatch.setattr(tables, "parts", counted)
    await worker.put(GAMIFICATION_HOURS.name, window_key("1h", HOUR), Hour(users=7), partition=1)
    await asyncio.gather(*waiting)
    assert 1 <= reads < len(readers)


async def test_fees_by_hour_are_followed(server: httpx.AsyncClient, worker: Worker) -> None:
    await see(worker, NOW)
    reader = Reader(server, "/v1/feed/fee-hours", key="begin")
    await reader.read(lambda r: r.last_id is not None)
    fee = FeeHour(fees={"trading|USD": HourlyFee(amount=USD_UNIT, count=1, beneficiaries={"treasury": USD_UNIT})})
    await worker.put(FINANCIAL_FEE_HOURS.name, window_key("1h", HOUR), fee, partition=2)
    await reader.read(lambda r: HOUR.text() in r.table)
    assert reader.table[HOUR.text()]["fees"][0]["amount"] == "1.00"
