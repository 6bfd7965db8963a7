"""Worked examples of the rule book, counted by hand."""

import pytest

from tests.oracle.build import fill
from tests.oracle.fold import fold
from tests.oracle.progress import (
    ACHIEVEMENTS,
    Trade,
    User,
    grants_of,
    level_of,
    max_leverage,
    multiplied,
    touch_streak,
    trade_xp,
)


def days(*names: str) -> User:
    user = User()
    for name in names:
        touch_streak(user, fill(name).at.date())
    return user


def test_a_trade_of_1500_usd_is_15_xp_and_a_second_fill_of_1000_is_10_more() -> None:
    trade = Trade()
    assert grants_of(trade, fill("2025-01-06", notional="1500"), is_new=True) == [15]
    assert grants_of(trade, fill("2025-01-06", notional="1000"), is_new=False) == [10]


def test_small_fills_of_one_trade_are_10_xp_together() -> None:
    trade = Trade()
    assert grants_of(trade, fill("2025-01-06", notional="0.10"), is_new=True) == [10]
    assert grants_of(trade, fill("2025-01-06", notional="1099.89"), is_new=False) == [0]
    assert grants_of(trade, fill("2025-01-06", notional="0.01"), is_new=False) == [1]


def test_xp_of_a_trade_rounds_down() -> None:
    assert trade_xp(159_999_999_999) == 15


def test_a_close_is_25_once_and_50_more_once_when_its_pnl_is_first_above_0() -> None:
    trade = Trade()
    closing = [("0", 25), ("-5", 0), ("5", 0), ("1", 50), ("-9", 0), ("20", 0)]
    first = True
    for pnl, expected in closing:
        grants = grants_of(trade, fill("2025-01-06", notional="1", pnl=pnl, direction="Close Long"), is_new=first)
        assert sum(grants[first:]) == expected
        first = False


@pytest.mark.parametrize(
    ("direction", "pnl", "closes"),
    [
        ("Open Long", "0", False),
        ("Close Short", "0", True),
        ("Long > Short", "0", True),
        ("Sell", "0", False),
        ("Sell", "-0.000001", True),
    ],
)
def test_a_fill_closes_by_its_direction_or_by_its_pnl(direction: str, pnl: str, closes: bool) -> None:
    assert fill("2025-01-06", pnl=pnl, direction=direction).closes is closes


def test_on_day_5_of_a_streak_15_xp_are_18() -> None:
    assert multiplied(15, 5) == 18


def test_the_multiplier_ends_at_twice() -> None:
    assert [multiplied(100, streak) for streak in (1, 2, 20, 21, 22, 400)] == [100, 105, 195, 200, 200, 200]


def test_each_grant_is_rounded_down_by_itself() -> None:
    """Day 2 adds 5%: 10 → 10, 25 → 26, 50 → 52; rounded together they would be 89."""
    user = fold([fill("2025-01-06", "a"), fill("2025-01-07", "b", pnl="1")]).users["ann"]
    assert user.xp == (10 + 50) + (10 + 26 + 52) + 25


def test_levels() -> None:
    assert [level_of(xp) for xp in (0, 99, 100, 399, 400, 980_099, 980_100, 10**9)] == [1, 1, 2, 2, 3, 99, 100, 100]
    assert [max_leverage(level) for level in (1, 3, 19, 20)] == [10, 20, 100, 100]


def test_a_streak_counts_days_in_a_row_and_a_missed_day_restarts_it() -> None:
    assert days("2025-01-30", "2025-01-31", "2025-01-31", "2025-02-01").streak == 3
    broken = days("2025-01-30", "2025-01-31", "2025-02-02")
    assert (broken.streak, broken.streak_best) == (1, 2)


def test_an_older_event_leaves_the_streak_as_it_is() -> None:
    assert days("2025-01-06", "2025-01-07", "2025-01-06", "2025-01-01").streak == 2


def test_the_streak_is_updated_before_the_grants() -> None:
    user = fold([fill("2025-01-06", "a"), fill("2025-01-07", "b", notional="2000")]).users["ann"]
    assert user.xp == 10 + 50 + 21


def test_first_trade_unlocks_and_its_xp_is_not_multiplied() -> None:
    user = fold([fill("2025-01-06")]).users["ann"]
    assert list(user.achievements) == ["trades:1"]
    assert (user.xp, user.shards) == (60, 100)


def test_a_trade_is_single_over_all_its_fills() -> None:
    one_trade = fold([fill("2025-01-06", "a", "6000"), fill("2025-01-06", "a", "4000")]).users["ann"]
    two_trades = fold([fill("2025-01-06", "a", "6000"), fill("2025-01-06", "b", "4000")]).users["ann"]
    assert "big-trade" in one_trade.achievements
    assert "big-trade" not in two_trades.achievements


def test_an_achievements_xp_can_unlock_the_next_in_the_same_pass() -> None:
    """6,950 + 50 + 1,000 = 8,000 XP do not make level 10, which needs 8,100; 7,050 + 1,050 do."""
    below = fold([fill("2025-01-06", notional="695000")]).users["ann"]
    enough = fold([fill("2025-01-06", notional="705000")]).users["ann"]
    assert list(below.achievements) == ["trades:1", "big-trade"]
    assert list(enough.achievements) == ["trades:1", "big-trade", "level:10"]


def test_the_list_is_repeated_until_a_pass_unlocks_none() -> None:
    """Unlock level 10 in a second pass: win rate is last in the list, and its 750 XP reach level 10 (8,100 XP).

    9 wins: 9 · 85 + 50 + 25 = 840. The open trade: + 6,000 + 100 + 1,000 = 7,940. The tenth win: + 85 = 8,025.
    """
    wins = [fill("2025-01-06", f"w{n}", "10", pnl="1") for n in range(10)]
    user = fold([*wins[:9], fill("2025-01-06", "open", "600000"), wins[9]]).users["ann"]
    assert list(user.achievements) == ["trades:1", "first-profit", "trades:10", "big-trade", "win-rate", "level:10"]
    assert user.xp == 8_025 + 750 + 200


def test_a_win_rate_of_7_in_10_unlocks_and_9_closes_are_too_few() -> None:
    def closes(wins: int, losses: int) -> list[str]:
        pnls = ["1"] * wins + ["-1"] * losses
        fills = [fill("2025-01-06", f"t{n}", pnl=pnl) for n, pnl in enumerate(pnls)]
        return list(fold(fills).users["ann"].achievements)

    assert "win-rate" in closes(7, 3)
    assert "win-rate" not in closes(6, 4)
    assert "win-rate" not in closes(9, 0)


def test_the_number_of_wins_can_fall_again() -> None:
    totals = fold([fill("2025-01-06", "a", pnl="5"), fill("2025-01-06", "a", pnl="-6")])
    assert totals.users["ann"].wins == 0
    assert "first-profit" in totals.users["ann"].achievements


def test_the_list_has_the_rule_books_order_and_sums() -> None:
    assert [one.xp for one in ACHIEVEMENTS] == [
        *(50, 100, 500, 1_000, 2_500),
        *(25, 1_000),
        *(300, 1_500, 5_000),
        *(200, 750, 2_500, 5_000, 10_000),
        750,
    ]
