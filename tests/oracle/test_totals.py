"""Boards, fees and positions, counted by hand."""

from decimal import Decimal

import pytest

from tests.oracle.boards import BoardKey, Boards
from tests.oracle.build import fill
from tests.oracle.fees import split
from tests.oracle.fills import E8, instant, usd
from tests.oracle.fold import LateFillError, fold


def test_exact_numbers_are_read_from_scientific_notation_and_more_than_8_decimals_are_refused() -> None:
    assert usd("1.00E-05") == 1_000
    assert usd("-29370.1198") == -2_937_011_980_000
    with pytest.raises(ValueError, match="more than 8"):
        usd("0.000000001")


def test_a_board_is_ordered_by_score_then_by_who_reached_it_first_then_by_bytes() -> None:
    boards = Boards()
    early, late = instant("2025-01-06T00:00:00Z"), instant("2025-01-06T00:01:00Z")
    for user, score, at in [("z", 5, early), ("é", 5, late), ("b", 5, late), ("Z", 5, late), ("low", -1, early)]:
        boards.add("xp", user, score, at)
    rows = boards.rows(BoardKey("xp", "all"))
    assert [(row.rank, row.user) for row in rows] == [(1, "z"), (2, "Z"), (3, "b"), (4, "é"), (5, "low")]


def test_adding_0_leaves_when_the_score_was_reached() -> None:
    boards = Boards()
    early, late = instant("2025-01-06T00:00:00Z"), instant("2025-01-06T00:01:00Z")
    boards.add("pnl", "ann", 0, early)
    boards.add("pnl", "ann", 0, late)
    assert boards.rows(BoardKey("pnl", "all")) == [(1, "ann", 0, early)]


def test_a_trade_over_midnight_counts_once_on_its_first_day_and_its_volume_on_both() -> None:
    totals = fold([fill("2025-01-06T23:59", notional="100"), fill("2025-01-07T00:00", notional="200")])
    volume = [totals.boards.rows(BoardKey("volume", f"day:2025-01-0{day}"))[0].score for day in (6, 7)]
    assert volume == [100 * E8, 200 * E8]
    assert totals.boards.rows(BoardKey("trades", "day:2025-01-06"))[0].score == 1
    assert totals.boards.rows(BoardKey("trades", "day:2025-01-07")) == []


def test_only_closing_fills_put_a_user_on_the_pnl_board() -> None:
    totals = fold([fill("2025-01-06", user="ann"), fill("2025-01-06", "t2", user="bob", direction="Close Long")])
    assert [row.user for row in totals.boards.rows(BoardKey("pnl", "all", "BTC"))] == ["bob"]


def test_xp_and_trades_have_no_market_boards() -> None:
    keys = fold([fill("2025-01-06", pnl="1")]).boards.held()
    assert {key.board for key in keys if key.market} == {"volume", "pnl"}


def test_a_fee_is_split_without_losing_a_unit_and_the_remainder_is_the_treasurys() -> None:
    assert split(usd("1.50")) == {
        "treasury": usd("0.90"),
        "paymaster": usd("0.375"),
        "staking_rewards": usd("0.225"),
    }
    assert split(7) == {"treasury": 5, "paymaster": 1, "staking_rewards": 1}
    assert all(sum(split(fee).values()) == fee for fee in range(1_000))


def test_fees_add_up_by_day_and_for_all_time() -> None:
    totals = fold([fill("2025-01-06", fee="0.00000007"), fill("2025-01-07", "t2", fee="0.00000007")]).fees.totals
    assert totals["2025-01-06"]["treasury"] == 5
    assert totals["all"] == {"total": 14, "treasury": 10, "paymaster": 2, "staking_rewards": 2}


def test_a_position_is_the_sum_of_signed_sizes_and_realises_at_closing_fills() -> None:
    position = fold(
        [
            fill("2025-01-06", "a", side="buy", size="7.00E-05"),
            fill("2025-01-06", "b", side="sell", size="0.00010", pnl="3", direction="Long > Short"),
        ]
    ).positions["ann", "BTC"]
    assert (position.quantity, position.realised) == (Decimal("-0.00003"), usd("3"))


def test_a_file_where_a_fill_is_late_is_refused() -> None:
    fold([fill("2025-01-07T23:59"), fill("2025-01-06", "t2")])
    with pytest.raises(LateFillError, match="2025-01-06"):
        fold([fill("2025-01-08T00:00"), fill("2025-01-06", "t2")])
