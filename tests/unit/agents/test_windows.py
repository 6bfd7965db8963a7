"""Windows of event time: any order of arrival within the grace, late events, what is deleted, and merged parts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from functools import reduce
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.rulebook import RulebookError, packaged_rulebook, packaged_text, parse_rulebook
from agents.trading.candle_sum import CandleSum
from agents.trading.fills import execution
from streams.events.gamification import XPGained
from streams.events.trading import TradeExecuted
from streams.events.user import LoggedIn
from streams.times import MINUTE_US, Instant
from streams.units import Usd
from tables import candles, fee_hours, hours
from tables.candles import Candle
from tables.fee_hours import FeeHour
from tables.gamification import UserDay
from tables.hours import Hour
from tables.watermark import WATERMARK_KEY, Watermark
from tests.unit.agents.rulebooks import rulebook_with
from tests.unit.agents.world import World, fill_of, of_type

START = Instant.parse("2024-09-30T20:00:00Z")
"""Before the end of a day."""


class Fill(NamedTuple):
    """A fill, some minutes after the start."""

    minute: int
    user: int
    market: str
    price: int
    cents: int


def fills_within(minutes: int) -> st.SearchStrategy[list[Fill]]:
    """Return lists of fills of so many minutes."""
    fill = st.builds(
        Fill,
        minute=st.integers(0, minutes) | st.integers(0, 3),
        user=st.integers(0, 2),
        market=st.sampled_from(["BTC", "ETH"]),
        price=st.integers(1, 5),
        cents=st.integers(1, 10**9),
    )
    return st.lists(fill, max_size=8)


FILLS = fills_within(600)


def report(world: World, number: int, fill: Fill) -> None:
    world.fill(
        f"f-{number}",
        Instant(START + fill.minute * MINUTE_US).text(),
        user=f"user-{fill.user}",
        market=fill.market,
        price=str(fill.price),
        notional_usd=Usd(fill.cents * 10**6).text(),
        fee_usd="0.10",
    )


def stored(world: World, table: str, row: Any) -> dict[str, Any]:
    return {key.decode(): row.load(raw) for key, raw in world.maps[table].items()}


def windows(world: World) -> dict[str, Any]:
    """Return the windows, without XP, which depends on the order."""
    found = {"candle " + key: row for key, row in stored(world, "trading-candles", Candle).items()}
    found |= {"fees " + key: row for key, row in stored(world, "financial-fee-hours", FeeHour).items()}
    for key, hour in stored(world, "gamification-hours", Hour).items():
        found[f"hour {key}"] = hour.users, hour.live, hour.practice
    for key, day in stored(world, "gamification-days", UserDay).items():
        found[f"day {key}"] = day.live, day.practice, day.hours
    return found


def mark_of(world: World, domain: str) -> Watermark:
    return Watermark.load(world.maps[f"{domain}-watermark"][WATERMARK_KEY.encode()])


@given(FILLS, st.randoms(use_true_random=False))
def test_any_order_of_arrival_within_the_grace_gives_the_same_windows(fills: list[Fill], chance: Any) -> None:
    one, other = World(), World()
    numbered = list(enumerate(fills))
    for number, fill in numbered:
        report(one, number, fill)
    chance.shuffle(numbered)
    for number, fill in numbered:
        report(other, number, fill)
    assert windows(one) == windows(other)


@given(FILLS | fills_within(10 * 24 * 60), st.integers(1, 8))
def test_batches_give_the_windows_of_single_events(fills: list[Fill], size: int) -> None:
    one, other = World(), World()
    for number, fill in enumerate(fills):
        report(one, number, fill)
    numbered = list(enumerate(fills))
    for start in range(0, len(numbered), size):
        with other.trading.tables.batch(), other.gamification.tables.batch(), other.financial.tables.batch():
            for number, fill in numbered[start : start + size]:
                report(other, number, fill)
    assert {name: dict(rows) for name, rows in one.maps.items() if rows} == {
        name: dict(rows) for name, rows in other.maps.items() if rows
    }


@given(FILLS)
def test_the_parts_of_several_partitions_merge_to_the_windows_of_one(fills: list[Fill]) -> None:
    whole, parts = World(), [World(), World()]
    for number, fill in enumerate(fills):
        report(whole, number, fill)
        report(parts[fill.user % 2], number, fill)
    for table, row, merged in (
        ("trading-candles", Candle, candles.merged),
        ("gamification-hours", Hour, hours.merged),
        ("financial-fee-hours", FeeHour, fee_hours.merged),
    ):
        found: dict[str, list[Any]] = defaultdict(list)
        for part in parts:
            for key, one in stored(part, table, row).items():
                found[key].append(one)
        assert {key: reduce(merged, some) for key, some in found.items()} == stored(whole, table, row)


EXECUTIONS = st.lists(
    st.tuples(st.integers(0, 2), st.sampled_from(["f-2", "f-10", "g"]), st.integers(1, 3)), min_size=1, max_size=6
)


@given(EXECUTIONS)
def test_adding_executions_is_merging_their_candles(executions: Sequence[tuple[int, str, int]]) -> None:
    policy = packaged_rulebook().trading
    facts = [(execution(fill_of(fill_id, price=str(price)), policy), at) for at, fill_id, price in executions]
    sums = CandleSum(*facts[0])
    for fact, at in facts[1:]:
        sums.add(fact, at)
    assert sums.row() == reduce(candles.merged, [CandleSum(fact, at).row() for fact, at in facts])


def test_fills_at_one_time_are_in_the_order_of_their_numbers(world: World) -> None:
    for number, price in ((10, "3"), (9, "2"), (100, "4")):
        world.fill(f"f-{number}", "2024-09-20T08:36:00Z", price=price)
    candle = stored(world, "trading-candles", Candle)["1d|2024-09-20T00:00:00Z|BTC|live"]
    assert (candle.open.text(), candle.close.text()) == ("2", "4")


# --- late events ------------------------------------------------------------------------------------------------------


def test_a_late_fill_corrects_its_windows_until_the_grace_is_over(world: World) -> None:
    world.fill("f-1", "2024-09-20T08:36:00Z", price="5")
    world.fill("f-2", "2024-09-21T08:36:59Z", user="bob", price="6")
    world.fill("f-3", "2024-09-20T08:36:01Z", price="7")
    candle = stored(world, "trading-candles", Candle)["1m|2024-09-20T08:36:00Z|BTC|live"]
    assert (candle.trades, candle.close.text()) == (2, "7")
    assert not mark_of(world, "trading").dropped


def test_a_fill_that_is_too_late_for_its_minute_still_counts_in_its_day_and_is_counted_as_dropped(world: World) -> None:
    world.fill("f-1", "2024-09-20T08:36:00Z")
    world.fill("f-2", "2024-09-21T09:00:00Z", user="bob")
    world.fill("f-3", "2024-09-20T08:36:01Z")
    rows = stored(world, "trading-candles", Candle)
    assert "1m|2024-09-20T08:36:00Z|BTC|live" not in rows, "old minutes are deleted when the grace is over"
    assert rows["5m|2024-09-20T08:35:00Z|BTC|live"].trades == 1
    assert rows["1h|2024-09-20T08:00:00Z|BTC|live"].trades == 1
    assert rows["1d|2024-09-20T00:00:00Z|BTC|live"].trades == 2
    assert mark_of(world, "trading").dropped == {"1h": 1, "1m": 1, "5m": 1}
    assert mark_of(world, "financial").dropped == {"1h": 1}
    hour = stored(world, "gamification-hours", Hour)["1h|2024-09-20T08:00:00Z"]
    assert (hour.users, hour.live.executions) == (1, 1)
    assert stored(world, "gamification-days", UserDay)["ada|2024-09-20"].live.trades == 2
    assert mark_of(world, "gamification").dropped == {"1h": 1}


def test_lateness_depends_on_the_order_of_events_and_not_on_the_batch() -> None:
    times = ("2024-09-20T08:36:00Z", "2024-09-23T00:00:00Z", "2024-09-20T08:36:01Z")
    one, other = World(), World()
    for number, at in enumerate(times):
        one.fill(f"f-{number}", at)
    with other.trading.tables.batch(), other.gamification.tables.batch(), other.financial.tables.batch():
        for number, at in enumerate(times):
            other.fill(f"f-{number}", at)
    assert windows(one) == windows(other)
    assert mark_of(one, "trading") == mark_of(other, "trading")
    assert mark_of(one, "trading").dropped == {"1d": 1, "1h": 1, "1m": 1, "5m": 1}


# --- users ------------------------------------------------------------------------------------------------------------


def test_a_user_counts_once_an_hour_whatever_the_user_does(world: World) -> None:
    world.happen(LoggedIn(user_id="ada"), "2024-09-20T08:01:00Z")
    world.fill("f-1", "2024-09-20T08:36:00Z")
    world.fill("f-2", "2024-09-20T08:37:00Z")
    world.fill("f-3", "2024-09-20T09:00:00Z")
    world.happen(LoggedIn(user_id="bob"), "2024-09-20T08:02:00Z", user="bob")
    users = {key: row.users for key, row in stored(world, "gamification-hours", Hour).items()}
    assert users == {"1h|2024-09-20T08:00:00Z": 2, "1h|2024-09-20T09:00:00Z": 1}
    day = stored(world, "gamification-days", UserDay)["ada|2024-09-20"]
    assert day.hours == 1 << 8 | 1 << 9
    assert day.streaks == {"login": 1, "trading": 1}


def test_the_days_of_a_user_add_up_to_the_portfolio(world: World) -> None:
    world.price("BTC", "50000", "2024-09-20T08:00:00Z")
    [executed] = of_type(world.order("2024-09-20T08:01:00Z"), TradeExecuted)
    world.price("BTC", "51000", "2024-09-21T08:00:00Z")
    world.close(executed.trade_id, "2024-09-21T08:01:00Z")
    world.fill("f-1", "2024-09-21T08:36:00Z", closed_pnl_usd="-3.00", closes=True)
    days = stored(world, "gamification-days", UserDay)
    portfolio = world.trading.portfolios.get("ada")
    for mode in ("live", "practice"):
        sums, totals = [getattr(day, mode) for day in days.values()], getattr(portfolio, mode)
        assert sum(day.pnl for day in sums) == totals.realised_pnl
        assert sum(day.fees for day in sums) == totals.fees
        assert sum(day.volume for day in sums) == totals.volume
        assert sum(day.trades for day in sums) == totals.trades
    assert days["ada|2024-09-20"].practice.trades == 1
    assert days["ada|2024-09-21"].practice.pnl > 0 > days["ada|2024-09-21"].live.pnl


def test_xp_of_an_hour_is_that_of_its_events_by_source(world: World) -> None:
    events = world.fill("f-1", "2024-09-20T08:36:00Z", closed_pnl_usd="5", closes=True)
    gained: dict[str, int] = defaultdict(int)
    for one in of_type(events, XPGained):
        gained[one.source] += one.amount
    hour = stored(world, "gamification-hours", Hour)["1h|2024-09-20T08:00:00Z"]
    assert hour.xp == dict(sorted(gained.items()))
    assert stored(world, "gamification-days", UserDay)["ada|2024-09-20"].xp == sum(hour.xp.values())


# --- what is deleted --------------------------------------------------------------------------------------------------


def kept(world: World, interval: str) -> list[str]:
    return sorted(key.split("|")[1] for key in stored(world, "trading-candles", Candle) if key.startswith(interval))


def test_old_windows_are_deleted_by_event_time_and_days_are_kept_for_good(world: World) -> None:
    for day in ("20", "21", "29"):
        world.fill(f"f-{day}", f"2024-09-{day}T08:36:00Z")
    assert kept(world, "1m") == ["2024-09-29T08:36:00Z"]
    assert kept(world, "5m") == ["2024-09-29T08:35:00Z"]
    assert len(kept(world, "1h")) == len(kept(world, "1d")) == 3
    world.fill("f-later", "2025-01-20T00:00:00Z")
    assert kept(world, "1h") == ["2025-01-20T00:00:00Z"]
    assert len(kept(world, "1d")) == 4
    assert set(world.maps["gamification-hours"]) == {b"1h|2025-01-20T00:00:00Z"}
    assert set(world.maps["financial-fee-hours"]) == {b"1h|2025-01-20T00:00:00Z"}


def test_practice_trades_close_and_delete_no_window_of_live_ones() -> None:
    """Live fills of a replay are old, and a practice trade has the time of the clock."""
    world = World()
    world.fill("f-1", "2024-09-20T08:36:00Z")
    world.price("BTC", "50000", "2026-11-30T08:00:00Z")
    world.order("2026-11-30T08:01:00Z")
    world.fill("f-2", "2024-09-20T08:36:01Z")
    rows = stored(world, "trading-candles", Candle)
    for interval in ("1m|2024-09-20T08:36", "5m|2024-09-20T08:35", "1h|2024-09-20T08:00", "1d|2024-09-20T00:00"):
        assert rows[f"{interval}:00Z|BTC|live"].trades == 2
    assert not mark_of(world, "trading").dropped
    world.fill("f-3", "2024-12-20T08:36:00Z")
    assert kept(world, "1m") == ["2024-12-20T08:36:00Z", "2026-11-30T08:01:00Z"]
    world.price("BTC", "50000", "2026-12-30T08:00:00Z")
    world.order("2026-12-30T08:01:00Z", user="bob")
    assert kept(world, "1m") == ["2024-12-20T08:36:00Z", "2026-12-30T08:01:00Z"]


def test_a_batch_deletes_a_bounded_number_and_the_next_one_goes_on() -> None:
    world = World(rulebook_with({"windows": {"deleted_max": 2}}))
    for minute in range(6):
        world.fill(f"f-{minute}", f"2024-09-20T08:0{minute}:00Z")
    sizes = []
    for day in range(1, 5):
        world.fill(f"f-{day}-later", f"2024-10-0{day}T08:00:00Z")
        sizes.append(len([one for one in kept(world, "1m") if one.startswith("2024-09")]))
        mark = mark_of(world, "trading").kept_from["1m"]
        assert all(Instant.parse(one) >= mark for one in kept(world, "1m")), "no deleted window is said to be kept"
    assert sizes == [4, 2, 0, 0]


def test_the_windows_of_one_minute_are_deleted_together() -> None:
    world = World(rulebook_with({"windows": {"deleted_max": 1}}))
    for minute in range(2):
        for market in ("BTC", "ETH"):
            world.fill(f"f-{minute}-{market}", f"2024-09-20T08:0{minute}:00Z", market=market)
    world.fill("f-later", "2024-10-01T08:00:00Z")
    assert kept(world, "1m") == ["2024-09-20T08:01:00Z"] * 2 + ["2024-10-01T08:00:00Z"]
    assert mark_of(world, "trading").kept_from["1m"] == Instant.parse("2024-09-20T08:01:00Z")


def test_no_open_window_is_deleted() -> None:
    world = World()
    world.fill("f-1", "2024-09-20T08:36:59.999999Z", price="5")
    world.fill("f-2", "2024-09-21T08:36:59.999999Z", user="bob")
    world.fill("f-3", "2024-09-20T08:36:00Z")
    assert stored(world, "trading-candles", Candle)["1m|2024-09-20T08:36:00Z|BTC|live"].trades == 2


@pytest.mark.parametrize(
    ("found", "instead", "message"),
    [
        ('"1m" = 24', '"1m" = 23', "expected windows.kept_h.1m to be 0, or at least 24, got 23"),
        ('"1m" = 24, ', "", "windows: expected kept_h for 1m, 5m, 1h, 1d, got 5m, 1h, 1d"),
    ],
)
def test_the_rule_book_keeps_windows_at_least_as_long_as_they_take_events(
    found: str, instead: str, message: str
) -> None:
    text = packaged_text()
    assert found in text
    with pytest.raises(RulebookError, match=message):
        parse_rulebook(text.replace(found, instead, 1))


def test_a_batch_that_fails_leaves_no_window() -> None:
    def fail() -> None:
        with world.trading.tables.batch(), world.financial.tables.batch():
            world.fill("f-1", "2024-12-20T08:36:00Z")
            raise RuntimeError

    world = World()
    with pytest.raises(RuntimeError):
        fail()
    assert not world.maps["trading-candles"]
    assert not world.maps["financial-fee-hours"]
    world.fill("f-1", "2024-09-20T08:36:00Z", user="bob")
    assert stored(world, "trading-candles", Candle)["1m|2024-09-20T08:36:00Z|BTC|live"].trades == 1
    assert stored(world, "financial-fee-hours", FeeHour)["1h|2024-09-20T08:00:00Z"].fees["trading|USD"].count == 1
