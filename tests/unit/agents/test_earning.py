"""XP, levels, streaks and achievements: every worked example of the rule book, and the edges of each rule."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from math import isqrt
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from agents.gamification import levels, streaks, xp
from agents.gamification.xp import Activity
from agents.rulebook import packaged_rulebook
from streams.events.gamification import AchievementUnlocked, LevelUp, StreakUpdated, XPGained
from streams.events.trading import TradeExecuted
from streams.times import Instant
from streams.units import Usd
from tables.gamification import Streak, TradeTally
from tables.keys import trade_key
from tests.unit.agents.rulebooks import rulebook_with
from tests.unit.agents.world import World, of_type

POLICY = packaged_rulebook().gamification
AT = "2024-09-20T08:36:00Z"
FIRST_DAY = date(2024, 9, 20)


def on_day(number: int, hour: int = 12) -> str:
    moment = datetime(FIRST_DAY.year, FIRST_DAY.month, FIRST_DAY.day, hour, tzinfo=UTC) + timedelta(days=number)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def gains(events: Any, *sources: str) -> Any:
    return [gain.amount for gain in of_type(events, XPGained) if gain.source in (sources or ("trade", "close", "win"))]


@pytest.mark.parametrize(
    ("notional", "expected"),
    [("0.01", 10), ("999.99", 10), ("1099.99", 10), ("1100", 11), ("1500", 15), ("1599.99", 15)],
)
def test_a_trade_grants_one_xp_per_100_usd_and_at_least_10(world: World, notional: Any, expected: Any) -> None:
    assert gains(world.fill("f-1", AT, notional_usd=notional)) == [expected]


def test_a_second_fill_grants_what_the_trade_grew_by(world: World) -> None:
    assert gains(world.fill("f-1", AT, trade_id="t", notional_usd="1500")) == [15]
    assert gains(world.fill("f-2", AT, trade_id="t", notional_usd="1000")) == [10]


def test_growth_below_the_minimum_grants_nothing(world: World) -> None:
    assert gains(world.fill("f-1", AT, trade_id="t", notional_usd="100")) == [10]
    assert gains(world.fill("f-2", AT, trade_id="t", notional_usd="900")) == []
    assert gains(world.fill("f-3", AT, trade_id="t", notional_usd="100")) == [1]


@given(st.lists(st.integers(1, 10**15), min_size=1, max_size=10))
def test_the_grants_of_a_trade_sum_to_the_xp_of_its_whole_notional(notionals: Any) -> None:
    rules, tally, total = POLICY.xp, TradeTally(), 0
    for notional in notionals:
        tally, grants = xp.tallied(
            tally, Activity("t", "BTC", notional, 0, closing=False, by_user=True, mode="live"), rules
        )
        total += sum(base for _, base in grants)
    assert total == max(10, sum(notionals) // (100 * 10**8))


def test_a_close_grants_25_once_and_50_more_when_its_pnl_first_is_above_0(world: World) -> None:
    def fill(number: Any, pnl: Any) -> Any:
        return gains(world.fill(f"f-{number}", AT, trade_id="t", notional_usd="1", closed_pnl_usd=pnl), "close", "win")

    assert fill(1, "0") == []
    assert fill(2, "-5") == [25]
    assert fill(3, "4") == []
    assert fill(4, "2") == [50]
    assert fill(5, "-9") == []
    assert fill(6, "9") == []


def test_a_fill_that_says_it_closes_is_a_close_without_pnl(world: World) -> None:
    assert gains(world.fill("f-1", AT, closes=True), "close", "win") == [25]
    assert world.gamification.progress.get("ada").closes == 1


def test_the_number_of_wins_can_fall_again(world: World) -> None:
    world.fill("f-1", AT, trade_id="t", closed_pnl_usd="5")
    assert world.gamification.progress.get("ada").wins == 1
    world.fill("f-2", AT, trade_id="t", closed_pnl_usd="-6")
    progress = world.gamification.progress.get("ada")
    assert (progress.wins, progress.closes, progress.pnl) == (0, 1, -Usd.of(1))


def test_on_day_5_15_xp_become_18(world: World) -> None:
    for day in range(4):
        world.fill(f"f-{day}", on_day(day))
    events = world.fill("f-5", on_day(4))
    (gain,) = [gain for gain in of_type(events, XPGained) if gain.source == "trade"]
    assert (gain.amount, gain.multiplier_ppm) == (18, 1_200_000)


def test_each_grant_is_rounded_down_by_itself(world: World) -> None:
    world.fill("f-1", on_day(0))
    events = world.fill("f-2", on_day(1), notional_usd="1100", closed_pnl_usd="5")
    assert gains(events) == [11, 26, 52]


@pytest.mark.parametrize(
    ("days", "expected"), [(1, 1_000_000), (5, 1_200_000), (20, 1_950_000), (21, 2_000_000), (400, 2_000_000)]
)
def test_the_multiplier_grows_5_percent_a_day_up_to_2(days: Any, expected: Any) -> None:
    assert streaks.multiplier_ppm(days, POLICY.streak) == expected


@pytest.mark.parametrize(
    ("points", "level"), [(0, 1), (99, 1), (100, 2), (399, 2), (400, 3), (980_100, 100), (10**12, 100)]
)
def test_level_is_the_root_of_xp_over_100_plus_1(points: Any, level: Any) -> None:
    assert levels.level_of(points, POLICY.levels) == level


@given(st.integers(0, 10**7))
def test_levels_never_fall_as_xp_grows_and_their_edges_are_squares(points: Any) -> None:
    rules = POLICY.levels
    level = levels.level_of(points, rules)
    assert levels.level_of(points + 1, rules) >= level
    assert level == min(100, max(n for n in range(isqrt(points) + 2) if n * n * 100 <= points) + 1)


@pytest.mark.parametrize(("level", "leverage"), [(1, 10), (2, 15), (3, 20), (19, 100), (20, 100), (100, 100)])
def test_level_3_allows_leverage_20_and_no_level_more_than_100(level: Any, leverage: Any) -> None:
    assert POLICY.levels.leverage_at(level) == leverage


def test_a_level_up_names_the_leverage_that_it_allows_and_trading_applies_it(world: World) -> None:
    events = world.fill("f-1", AT, notional_usd="36000")
    ups = of_type(events, LevelUp)
    assert (ups[0].old, ups[0].new, ups[0].max_leverage) == (1, 2, 15)
    progress = world.gamification.progress.get("ada")
    assert (progress.level, progress.max_leverage) == (ups[-1].new, ups[-1].max_leverage)
    assert world.trading.accounts.get("ada").max_leverage == progress.max_leverage


def test_a_streak_starts_continues_and_breaks(world: World) -> None:
    def actions(number: Any, day: Any) -> Any:
        return [(u.action, u.days, u.best) for u in of_type(world.fill(f"f-{number}", on_day(day)), StreakUpdated)]

    assert actions(1, 0) == [("started", 1, 1)]
    assert actions(2, 0) == []
    assert actions(3, 1) == [("continued", 2, 2)]
    assert actions(4, 3) == [("broken", 1, 2)]
    assert actions(5, 2) == []
    assert actions(6, 4) == [("continued", 2, 2)]


def test_days_are_utc_days_of_the_event(world: World) -> None:
    world.fill("f-1", "2024-09-20T23:59:59.999999Z")
    assert of_type(world.fill("f-2", "2024-09-21T00:00:00Z"), StreakUpdated)[0].days == 2


def test_an_event_older_than_the_last_active_day_uses_the_days_as_they_are(world: World) -> None:
    for day in range(5):
        world.fill(f"f-{day}", on_day(day))
    assert gains(world.fill("f-old", on_day(1))) == [18]
    assert world.gamification.progress.get("ada").streaks["trading"] == Streak(days=5, best=5, last_day=19_990)


@given(st.lists(st.integers(0, 30), min_size=1, max_size=40))
def test_a_streak_of_days_in_order_is_the_run_that_ends_at_the_last(days: Any) -> None:
    streak: Any = None
    for day in sorted(days):
        streak, _ = streaks.active_on(streak, day)
    run = 1
    while max(days) - run in days:
        run += 1
    assert (streak.days, streak.last_day) == (run, max(days))
    assert streak.best >= run


def unlocked(events: Any) -> Any:
    return [(one.achievement, one.xp, one.ss) for one in of_type(events, AchievementUnlocked)]


def test_the_first_trade_unlocks_its_achievement_with_twice_its_xp_in_shards(world: World) -> None:
    events = world.fill("f-1", AT)
    assert unlocked(events) == [("trades-1", 50, 100)]
    progress = world.gamification.progress.get("ada")
    assert (progress.xp, progress.ss) == (15 + 50, 100)
    assert [one.name for one in progress.achievements] == ["trades-1"]


@pytest.mark.parametrize(("trades", "points"), [(10, 100), (100, 500), (1_000, 1_000), (10_000, 2_500)])
def test_10_100_1000_and_10000_trades_unlock_100_500_1000_and_2500_xp(world: World, trades: int, points: int) -> None:
    world.fill("f-1", AT, trade_id="t")
    progress = world.gamification.progress
    progress.put("ada", replace(progress.get("ada"), trades=trades - 1))
    reached = (f"trades-{trades}", points, 2 * points)
    assert reached not in unlocked(world.fill("f-2", AT, trade_id="t"))
    assert reached in unlocked(world.fill("f-3", AT))


def test_the_first_profitable_close_unlocks_25_xp_once(world: World) -> None:
    def profitable(fill_id: str, pnl: str) -> list[Any]:
        return [one for one in unlocked(world.fill(fill_id, AT, closed_pnl_usd=pnl)) if one[0].startswith("profitable")]

    assert profitable("f-1", "-5") == []
    assert profitable("f-2", "5") == [("profitable_close-1", 25, 50)]
    assert profitable("f-3", "5") == []


def test_a_trading_streak_of_7_30_and_100_days_unlocks_300_1500_and_5000_xp(world: World) -> None:
    found = {
        day: [one for one in unlocked(world.fill(f"f-{day}", on_day(day))) if one[0].startswith("trading_streak")]
        for day in range(1, 102)
    }
    assert {day: names for day, names in found.items() if names} == {
        7: [("trading_streak-7", 300, 600)],
        30: [("trading_streak-30", 1_500, 3_000)],
        100: [("trading_streak-100", 5_000, 10_000)],
    }


@pytest.mark.parametrize(
    ("level", "points", "from_lower_levels"),
    [(10, 200, 0), (25, 750, 200), (50, 2_500, 950), (75, 5_000, 3_450), (100, 10_000, 8_450)],
)
def test_level_10_25_50_75_and_100_unlock_200_750_2500_5000_and_10000_xp(
    world: World, level: int, points: int, from_lower_levels: int
) -> None:
    others = 50 + 1_000 + from_lower_levels  # of the first trade, and of a single trade above 10,000 USD
    below = (level - 1) ** 2 * 100 - 1
    reached = (f"level-{level}", points, 2 * points)
    assert reached not in unlocked(world.fill("f-1", AT, trade_id="t", notional_usd=str((below - others) * 100)))
    assert world.gamification.progress.get("ada").xp == below
    assert reached in unlocked(world.fill("f-2", AT, trade_id="t", notional_usd="100"))


def test_achievements_are_unlocked_in_the_order_of_the_list_each_once(world: World) -> None:
    events = world.fill("f-1", AT, notional_usd="10000", closed_pnl_usd="1")
    assert [name for name, _, _ in unlocked(events)] == ["trades-1", "profitable_close-1", "single_trade-10000"]
    assert unlocked(world.fill("f-2", AT, notional_usd="10000", closed_pnl_usd="1")) == []


def test_a_single_trade_is_the_sum_of_its_fills(world: World) -> None:
    assert "single_trade-10000" not in [
        name for name, *_ in unlocked(world.fill("f-1", AT, trade_id="t", notional_usd="9999.99"))
    ]
    assert "single_trade-10000" in [
        name for name, *_ in unlocked(world.fill("f-2", AT, trade_id="t", notional_usd="0.01"))
    ]


def test_xp_of_an_achievement_may_reach_a_level_that_unlocks_the_next(world: World) -> None:
    events = world.fill("f-1", AT, notional_usd="710000")
    assert [name for name, *_ in unlocked(events)] == ["trades-1", "single_trade-10000", "level-10"]
    assert world.gamification.progress.get("ada").xp == 7_100 + 50 + 1_000 + 200


def test_a_level_reached_by_a_later_achievement_is_found_by_another_pass(world: World) -> None:
    listed = [{"kind": "level", "at": 2, "xp": 7, "tier": 1}, {"kind": "trades", "at": 1, "xp": 100, "tier": 1}]
    rulebook = rulebook_with({"gamification": {"achievements": {"listed": listed}}})
    assert [name for name, *_ in unlocked(World(rulebook).fill("f-1", AT))] == ["trades-1", "level-2"]


def test_an_achievement_that_a_new_rule_book_adds_is_unlocked_by_the_next_event_of_a_user_who_earned_it(
    world: World,
) -> None:
    world.fill("f-1", AT)
    world.fill("f-2", AT)
    listed = [{"kind": "trades", "at": 2, "xp": 7, "tier": 1}, {"kind": "trades", "at": 9, "xp": 100, "tier": 1}]
    after = World(rulebook_with({"gamification": {"achievements": {"listed": listed}}}), world.maps)
    assert unlocked(after.fill("f-3", AT)) == [("trades-2", 7, 14)]
    progress = after.gamification.progress.get("ada")
    assert [one.name for one in progress.achievements] == ["trades-1", "trades-2"]
    assert progress.updated_at == Instant.parse(AT)


def test_achievement_xp_is_not_multiplied(world: World) -> None:
    for day in range(6):
        world.fill(f"f-{day}", on_day(day), trade_id="t", notional_usd="100")
    events = world.fill("f-7", on_day(6), trade_id="t", notional_usd="100")
    assert unlocked(events) == [("trading_streak-7", 300, 600)]
    assert gains(events, "achievement") == [300]


def test_trades_are_distinct_trade_ids(world: World) -> None:
    for number in range(10):
        events = world.fill(f"f-{number}", AT, trade_id="t")
    assert "trades-10" not in [name for name, *_ in unlocked(events)]
    for number in range(9):
        events = world.fill(f"g-{number}", AT)
    assert ("trades-10", 100, 200) in unlocked(events)


@pytest.mark.parametrize(
    ("wins", "closes", "held"), [(7, 10, True), (6, 10, False), (9, 9, False), (7, 11, False), (8, 11, True)]
)
def test_win_rate_is_70_percent_over_10_closing_trades(world: World, wins: Any, closes: Any, held: Any) -> None:
    for number in range(closes):
        world.fill(f"f-{number}", AT, closed_pnl_usd="-1" if number < closes - wins else "1")
    names = [one.name for one in world.gamification.progress.get("ada").achievements]
    assert ("win_rate-70" in names) is held


def test_a_practice_trade_earns_like_another_and_its_close_adds_close_xp_only(world: World) -> None:
    world.price("BTC", "60000", on_day(0, 8))
    events = world.order(on_day(0, 9))
    (fact,) = of_type(events, TradeExecuted)
    assert gains(events) == [15]
    world.price("BTC", "66000", on_day(0, 10))
    assert gains(world.close(fact.trade_id, on_day(0, 11))) == [25, 50]
    progress = world.gamification.progress.get("ada")
    assert (progress.trades, progress.closes, progress.wins) == (1, 1, 1)
    assert (progress.volume, progress.pnl) == (Usd.of(1500), Usd.of(150))


def test_a_liquidation_is_a_losing_close_that_earns_nothing(world: World) -> None:
    world.price("BTC", "60000", on_day(0, 8))
    world.order(on_day(0, 9))
    events = world.price("BTC", "50000", on_day(1, 9))
    progress = world.gamification.progress.get("ada")
    assert gains(events) == []
    assert of_type(events, StreakUpdated) == []
    assert (progress.closes, progress.wins, progress.pnl) == (1, 0, -Usd.of(150))
    assert progress.streaks["trading"].days == 1


def test_orders_that_are_rejected_earn_nothing(world: World) -> None:
    world.order(AT)
    assert world.gamification.progress.get("ada") is None
    assert world.maps["gamification-watermark"] == {}


FILLS = st.lists(
    st.tuples(st.integers(0, 3), st.integers(1, 30_000), st.integers(-50, 50), st.booleans(), st.integers(0, 12)),
    min_size=1,
    max_size=25,
)


@settings(max_examples=60)
@given(FILLS, st.randoms(use_true_random=False))
def test_totals_that_do_not_depend_on_order_are_equal_in_any_order(fills: Any, random: Any) -> None:
    def totals(numbered: Any) -> Any:
        world = World()
        for number, (trade, notional, pnl, closes, day) in numbered:
            fields = {
                "trade_id": f"t-{trade}",
                "notional_usd": str(notional),
                "closed_pnl_usd": str(pnl),
                "closes": closes,
            }
            world.fill(f"f-{number}", on_day(day), **fields)
        progress = world.gamification.progress.get("ada")
        tallies = [world.gamification.trades.rows.get(trade_key("ada", f"t-{n}")) for n in range(4)]
        return (
            (progress.trades, progress.closes, progress.wins, progress.volume, progress.pnl, progress.largest_trade),
            [(tally.notional, tally.pnl, tally.closing) for tally in tallies if tally],
            world.trading.portfolios.get("ada"),
        )

    numbered = list(enumerate(fills))
    shuffled = numbered.copy()
    random.shuffle(shuffled)
    assert totals(numbered) == totals(shuffled)


@settings(max_examples=40)
@given(FILLS)
def test_a_users_xp_is_the_sum_of_what_was_granted_and_shards_are_twice_the_achievements(fills: Any) -> None:
    world = World()
    for number, (trade, notional, pnl, closes, day) in enumerate(sorted(fills, key=lambda fill: fill[4])):
        fields = {"trade_id": f"t-{trade}", "notional_usd": str(notional), "closed_pnl_usd": str(pnl), "closes": closes}
        world.fill(f"f-{number}", on_day(day), **fields)
    progress = world.gamification.progress.get("ada")
    gained = of_type(world.events, XPGained)
    assert progress.xp == sum(gain.amount for gain in gained) == gained[-1].total_xp
    assert progress.ss == 2 * sum(one.xp for one in of_type(world.events, AchievementUnlocked))
    assert progress.level == levels.level_of(progress.xp, POLICY.levels)
    names = [one.name for one in progress.achievements]
    assert len(set(names)) == len(names)
    assert world.score("global/all/xp") == (progress.xp, world.score("global/all/xp")[1])
