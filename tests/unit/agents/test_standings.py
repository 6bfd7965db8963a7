"""Leaderboards: which events count where and when, the ranks, and which events come too late."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.gamification.standings import Sums
from streams.events.gamification import LateEventRecorded
from streams.events.social import Interacted
from streams.events.trading import TradeExecuted
from streams.times import DAY_US, Instant
from streams.units import Usd
from tables.boards import Standing, older_key, periods_of, row_key
from tables.watermark import WATERMARK_KEY
from tests.unit.agents.world import World, of_type

AT = "2024-09-20T08:36:00Z"
LATER = "2024-09-20T09:00:00Z"
PERIODS = ["day:2024-09-20", "week:2024-W38", "month:2024-09", "season:2024-Q3", "all"]


def instant(text: Any) -> Any:
    return int(Instant.parse(text))


@pytest.mark.parametrize("period", PERIODS)
def test_a_fill_counts_in_every_period_of_its_time(world: World, period: Any) -> None:
    world.fill("f-1", AT, notional_usd="1500", closed_pnl_usd="-3")
    at = instant(AT)
    assert world.score(f"global/{period}/trades") == (1, at)
    for scope in ("global", "BTC"):
        assert world.score(f"{scope}/{period}/volume") == (Usd.of(1500), at)
        assert world.score(f"{scope}/{period}/pnl") == (-Usd.of(3), at)
    assert world.score(f"global/{period}/xp") == (15 + 25 + 50, at)


def test_boards_of_one_market_are_volume_and_pnl(world: World) -> None:
    world.fill("f-1", AT, closed_pnl_usd="1")
    rows = world.gamification.boards.rows.prefix("")
    boards = {key: {name.rpartition("/")[2] for name in standings} for key, standings in rows}
    assert boards == {"BTC|ada": {"volume", "pnl"}, "global|ada": {"xp", "volume", "pnl", "trades", "streak_days"}}


def test_only_closing_fills_put_a_user_on_the_pnl_board(world: World) -> None:
    world.fill("f-1", AT)
    assert world.score("global/all/pnl") is None
    world.fill("f-2", LATER, closes=True)
    assert world.score("global/all/pnl") == (0, instant(LATER))


def test_a_trade_counts_once_at_its_first_fill(world: World) -> None:
    world.fill("f-1", "2024-09-20T23:00:00Z", trade_id="t")
    world.fill("f-2", "2024-09-21T01:00:00Z", trade_id="t")
    assert world.score("global/day:2024-09-20/trades")[0] == 1
    assert world.score("global/day:2024-09-21/trades") is None
    assert world.score("global/all/trades") == (1, instant("2024-09-20T23:00:00Z"))
    assert world.score("global/day:2024-09-21/volume") == (Usd.of(1500), instant("2024-09-21T01:00:00Z"))


def test_an_event_that_adds_0_leaves_when_a_score_was_reached(world: World) -> None:
    world.fill("f-1", AT, closed_pnl_usd="5")
    world.fill("f-2", LATER, closes=True)
    assert world.score("global/all/pnl") == (Usd.of(5), instant(AT))


def test_a_score_was_reached_when_the_event_that_made_it_so_happened(world: World) -> None:
    world.fill("f-1", LATER)
    world.fill("f-2", AT)
    assert world.score("global/all/volume") == (Usd.of(3000), instant(AT))


def test_a_board_of_streak_days_ranks_the_days_of_the_trading_streak_within_the_period(world: World) -> None:
    for day in range(27, 31):  # Friday to Monday, 30 September
        world.fill(f"f-{day}", f"2024-09-{day}T12:00:00Z")
    for day in range(1, 3):
        world.fill(f"g-{day}", f"2024-10-0{day}T12:00:00Z")
        world.fill(f"h-{day}", f"2024-10-0{day}T13:00:00Z")
    last = instant("2024-10-02T12:00:00Z")
    assert world.score("global/all/streak_days") == (6, last)
    assert world.score("global/season:2024-Q4/streak_days") == (2, last)
    assert world.score("global/month:2024-09/streak_days") == (4, instant("2024-09-30T12:00:00Z"))
    assert world.score("global/week:2024-W39/streak_days") == (3, instant("2024-09-29T12:00:00Z"))
    assert world.score("global/week:2024-W40/streak_days") == (3, last)
    assert world.score("global/day:2024-10-02/streak_days") == (1, last)


def test_a_shorter_streak_leaves_the_streak_days_of_a_period_as_they_are(world: World) -> None:
    for day in (2, 3, 4, 6, 7):
        world.fill(f"f-{day}", f"2024-09-0{day}T12:00:00Z")
    assert world.score("global/month:2024-09/streak_days") == (3, instant("2024-09-04T12:00:00Z"))
    world.fill("f-8", "2024-09-08T12:00:00Z")
    assert world.score("global/all/streak_days") == (3, instant("2024-09-04T12:00:00Z"))
    world.fill("f-9", "2024-09-09T12:00:00Z")
    assert world.score("global/all/streak_days") == (4, instant("2024-09-09T12:00:00Z"))


def test_the_streak_days_of_a_period_before_the_newest_are_raised_there(world: World) -> None:
    world.fill("f-1", "2024-09-20T12:00:00Z")
    world.happen(Interacted(target="bob", kind="like"), "2024-09-22T01:00:00Z")
    world.fill("f-2", "2024-09-21T12:00:00Z")
    assert world.score("global/day:2024-09-21/streak_days") == (1, instant("2024-09-21T12:00:00Z"))
    assert world.score("global/week:2024-W38/streak_days") == (2, instant("2024-09-21T12:00:00Z"))
    assert world.score("global/day:2024-09-22/streak_days") is None


def test_a_practice_close_adds_no_volume_and_no_trade(world: World) -> None:
    world.price("BTC", "60000", AT)
    (fact,) = of_type(world.order(AT), TradeExecuted)
    world.close(fact.trade_id, LATER)
    assert world.score("global/all/volume") == (Usd.of(1500), instant(AT))
    assert world.score("global/all/trades") == (1, instant(AT))
    assert world.score("BTC/all/pnl") == (0, instant(LATER))


def advance(world: World, text: Any) -> Any:
    world.fill(f"w-{text}", text, user="bob")


def test_a_late_event_counts_in_its_period_until_24_hours_after_its_end(world: World) -> None:
    advance(world, "2024-09-21T23:59:59.999999Z")
    assert of_type(world.fill("f-1", AT), LateEventRecorded) == []
    assert world.score("global/day:2024-09-20/volume") == (Usd.of(1500), instant(AT))


def test_a_later_event_counts_for_the_periods_still_open_and_is_recorded_as_late(world: World) -> None:
    advance(world, "2024-09-22T00:00:00Z")
    (late,) = of_type(world.fill("f-1", AT), LateEventRecorded)
    assert late.periods == ("day:2024-09-20",)
    assert world.score("global/day:2024-09-20/volume") is None
    for period in PERIODS[1:]:
        assert world.score(f"global/{period}/volume") == (Usd.of(1500), instant(AT))
    watermark = world.gamification.watermarks.get(WATERMARK_KEY)
    assert (watermark.highest, watermark.late) == (instant("2024-09-22T00:00:00Z"), 1)


def test_an_event_of_a_sealed_season_counts_for_all_time_only(world: World) -> None:
    advance(world, "2025-01-10T00:00:00Z")
    (late,) = of_type(world.fill("f-1", AT), LateEventRecorded)
    assert late.periods == tuple(PERIODS[:-1])
    rows = [row for key, row in world.gamification.boards.rows.prefix("") if key.endswith("|ada")]
    assert {name.partition("/")[0] for row in rows for name in row} == {"all"}
    assert world.gamification.progress.get("ada").volume == Usd.of(1500)


def test_the_standings_of_a_day_that_is_over_for_the_user_move_into_a_row_of_their_own(world: World) -> None:
    world.fill("f-1", AT)
    advance(world, "2024-09-22T00:00:00Z")
    rows = world.gamification.boards.rows
    assert "day:2024-09-20/volume" in rows.get(row_key("global", "ada"))
    assert rows.get(older_key("global", "day:2024-09-20", "ada")) is None
    world.fill("f-2", "2024-09-22T00:00:01Z")
    assert "day:2024-09-20/volume" not in rows.get(row_key("global", "ada"))
    assert rows.get(older_key("global", "day:2024-09-20", "ada")).keys() == {"xp", "volume", "trades", "streak_days"}
    assert world.score("global/day:2024-09-20/volume") == (Usd.of(1500), instant(AT))
    assert world.score("global/week:2024-W38/volume") == (Usd.of(3000), instant("2024-09-22T00:00:01Z"))


def test_a_fill_of_a_day_before_the_newest_counts_in_the_row_of_that_day(world: World) -> None:
    world.fill("f-1", AT)
    newest = "2024-09-21T23:59:59Z"
    world.fill("f-2", newest)
    world.fill("f-3", LATER)
    rows = world.gamification.boards.rows
    assert rows.get(row_key("global", "ada")).keys().isdisjoint({"day:2024-09-20/volume", "volume"})
    assert world.score("global/day:2024-09-20/volume") == (Usd.of(3000), instant(LATER))
    assert world.score("global/day:2024-09-21/volume") == (Usd.of(1500), instant(newest))
    assert world.score("global/week:2024-W38/volume") == (Usd.of(4500), instant(LATER))


def test_a_fill_of_a_sealed_day_leaves_the_newest_day_where_it_is(world: World) -> None:
    world.fill("f-1", AT)
    advance(world, "2024-09-22T00:00:00Z")
    world.fill("f-2", LATER)
    assert world.score("global/day:2024-09-20/volume") == (Usd.of(1500), instant(AT))
    assert "day:2024-09-20/volume" in world.gamification.boards.rows.get(row_key("global", "ada"))


def test_a_close_without_pnl_moves_the_day_that_is_over_also_when_it_changes_no_standing(world: World) -> None:
    world.price("BTC", "60000", "2024-09-19T00:00:00Z")
    (fact,) = of_type(world.order("2024-09-19T00:00:01Z"), TradeExecuted)
    world.fill("f-1", AT, closed_pnl_usd="5")
    advance(world, "2024-09-25T00:00:00Z")
    world.close(fact.trade_id, "2024-09-22T00:00:02Z")
    assert older_key("BTC", "day:2024-09-20", "ada") in dict(world.gamification.boards.rows.prefix("BTC/"))
    assert world.score("BTC/day:2024-09-20/pnl") == (Usd.of(5), instant(AT))
    assert world.score("BTC/month:2024-09/pnl") == (Usd.of(5), instant(AT))


def test_replaying_old_fills_in_order_makes_none_late(world: World) -> None:
    for number, text in enumerate(("2015-01-01T00:00:00Z", "2016-06-01T00:00:00Z", "2024-09-20T08:36:00Z")):
        assert of_type(world.fill(f"f-{number}", text), LateEventRecorded) == []
    assert world.gamification.watermarks.get(WATERMARK_KEY).late == 0


def test_a_repeated_late_event_is_counted_as_late_once(world: World) -> None:
    advance(world, "2025-01-10T00:00:00Z")
    world.fill("f-1", AT)
    world.fill("f-1", AT)
    assert world.gamification.watermarks.get(WATERMARK_KEY).late == 1


FILLS = st.lists(
    st.tuples(
        st.sampled_from(["ada", "bob"]),
        st.integers(0, 3),
        st.integers(1, 30_000),
        st.integers(-50, 50),
        st.integers(0, 40 * DAY_US // 3_600_000_000),
    ),
    min_size=1,
    max_size=25,
)


@settings(max_examples=50)
@given(FILLS)
def test_the_day_boards_sum_to_the_all_time_boards_when_nothing_is_late(fills: Any) -> None:
    world = World()
    start = instant("2024-12-10T00:00:00Z")
    days = set()
    for number, (user, trade, notional, pnl, hour) in enumerate(sorted(fills, key=lambda fill: fill[4])):
        at = Instant(start + hour * 3_600_000_000)
        days |= {period.text for period in periods_of(at).listed}
        fields = {"trade_id": f"{user}-{trade}", "notional_usd": str(notional), "closed_pnl_usd": str(pnl)}
        world.fill(f"f-{number}", at.text(), user, **fields)
    for kind in ("day", "week", "month", "season"):
        texts = [text for text in days if text.startswith(kind)]
        for board, scope in [
            ("xp", "global"),
            ("trades", "global"),
            ("volume", "BTC"),
            ("pnl", "BTC"),
            ("pnl", "global"),
        ]:
            for user in ("ada", "bob"):
                parts = [world.score(f"{board}/{scope}/{text}", user) for text in texts]
                total = world.score(f"{board}/{scope}/all", user)
                assert sum(part[0] for part in parts if part) == (total[0] if total else 0)
                assert (total is None) == (not any(parts))


LIMIT = 10**25
SCORES = (
    st.integers(-LIMIT + 1, LIMIT - 1)
    | st.integers(-5, 5)
    | st.integers(2**53 - 3, 2**54).flatmap(lambda score: st.sampled_from([score, -score]))
)
TIMES = st.integers(0, 32_503_679_999_999_999) | st.integers(0, 5)


@given(st.none() | SCORES, st.integers(-5, 5), TIMES)
def test_a_standing_to_which_points_are_added_is_that_of_its_score_and_time(
    before: int | None, amount: int, at: int
) -> None:
    held = {} if before is None else {"all/pnl": Standing(before, 0).ranked}
    if before is not None and not -LIMIT < before + amount < LIMIT:
        return
    changed = added(held, amount, at)
    assert changed == (before is None or amount != 0)
    after = Standing((before or 0) + amount, at) if changed else Standing(before or 0, 0)
    assert held == {"all/pnl": after.ranked}


@pytest.mark.parametrize(("score", "at"), [(LIMIT, 0), (-LIMIT, 0), (0, -1), (0, 10**18)])
def test_points_to_a_standing_out_of_range_are_refused(score: int, at: int) -> None:
    with pytest.raises(ValueError, match="out of range"):
        added({}, score, at)


def added(standings: dict[str, Any], amount: int, at: int) -> bool:
    """Add points to the all-time standing of the pnl board. Return whether it changed."""
    sums = Sums(periods_of(Instant(0)))
    sums.add("pnl", amount, at)
    return sums.add_to(standings, {"pnl": ["all/pnl"]}, ())
