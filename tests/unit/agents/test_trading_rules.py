"""The formulas and positions of trading."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.trading import prices
from agents.trading.positions import Fill, moved
from streams.units import SCALE, USD_UNIT, Quantity, Usd

PRICES = st.integers(1, 10**12).map(lambda millionths: Quantity(millionths * 10**12))
NOTIONALS = st.integers(1, 10**18)


@pytest.mark.parametrize(
    ("side", "entry", "exit_price", "expected"),
    [
        ("long", "60000", "66000", "150.00"),
        ("short", "60000", "66000", "-150.00"),
        ("long", "60000", "54000", "-150.00"),
        ("long", "3", "4", "500.00"),
        ("long", "7", "8", "214.28571429"),
    ],
)
def test_pnl_is_notional_times_the_move_over_entry(side: Any, entry: Any, exit_price: Any, expected: Any) -> None:
    assert prices.pnl(side, Usd.of(1500), Quantity.parse(entry), Quantity.parse(exit_price)) == Usd.parse(expected)


@given(NOTIONALS, PRICES, PRICES)
def test_what_a_long_wins_a_short_loses(notional: Any, entry: Any, exit_price: Any) -> None:
    assert prices.pnl("long", notional, entry, exit_price) == -prices.pnl("short", notional, entry, exit_price)
    assert prices.pnl("long", notional, entry, entry) == 0


def test_the_fee_of_1500_is_1_50() -> None:
    assert prices.fee(Usd.of(1500), 1_000) == Usd.parse("1.50")


def test_a_fee_is_rounded_half_up() -> None:
    assert [prices.fee(notional, 1_000) for notional in (499, 500, 1499, 1500)] == [0, 1, 1, 2]


@given(NOTIONALS, st.integers(1, 100))
def test_margin_covers_its_share_of_the_notional(notional: Any, leverage: Any) -> None:
    assert 0 <= prices.margin(notional, leverage) * leverage - notional < leverage


@pytest.mark.parametrize(
    ("side", "leverage", "expected"),
    [("long", 10, "54300"), ("short", 10, "65700"), ("long", 1, "3000"), ("short", 1, "117000"), ("long", 50, "58860")],
)
def test_liquidation_price_is_entry_less_95_percent_over_leverage(side: Any, leverage: Any, expected: Any) -> None:
    assert prices.liquidation_price(side, Quantity.of(60_000), leverage, 50_000) == Quantity.parse(expected)


@given(st.sampled_from(["long", "short"]), PRICES, st.integers(1, 100))
def test_at_its_liquidation_price_a_trade_lost_95_percent_of_its_margin(side: Any, entry: Any, leverage: Any) -> None:
    limit = prices.liquidation_price(side, entry, leverage, 50_000)
    loss = -prices.pnl(side, 10**12, entry, limit)
    assert abs(loss * leverage - 95 * 10**10) <= leverage * 2
    assert not prices.beyond(side, limit, limit)
    assert not prices.beyond(side, entry, limit)


def test_only_past_the_liquidation_price_is_beyond() -> None:
    limit = Quantity.of(54_300)
    below, above = Quantity(limit - 1), Quantity(limit + 1)
    assert prices.beyond("long", below, limit)
    assert not prices.beyond("long", above, limit)
    assert prices.beyond("short", above, limit)
    assert not prices.beyond("short", below, limit)


def fill(quantity: Any, price: Any, pnl: Any = 0, notional: Any = None, at: Any = 1) -> Any:
    size, each = Quantity.parse(quantity), Quantity.parse(price)
    worth = Usd.parse(notional) if notional else prices.value_of(abs(size), each)
    return Fill("BTC", "live", size, each, worth, pnl, at)


def fold(*fills: Fill) -> Any:
    position: Any = None
    for one in fills:
        position = moved(position, one)
    return position


def test_fills_in_one_direction_average_their_entry() -> None:
    position = fold(fill("1", "100"), fill("1", "200"), fill("2", "250"))
    assert (position.quantity, position.cost) == (Quantity.of(4), 800 * USD_UNIT)
    assert position.average_entry == Quantity.of(200)
    assert position.unrealised_pnl == 200 * USD_UNIT


def test_closing_reduces_the_position_at_its_average_and_moves_realised_once() -> None:
    position = fold(fill("1", "100"), fill("1", "200"), fill("-0.5", "180", pnl=15 * USD_UNIT))
    assert (position.quantity, position.average_entry) == (Quantity.parse("1.5"), Quantity.of(150))
    assert position.realised_pnl == 15 * USD_UNIT
    assert position.unrealised_pnl == 45 * USD_UNIT


def test_a_closed_position_costs_exactly_nothing() -> None:
    position = fold(fill("3", "0.333333"), fill("-1", "0.5"), fill("-1", "0.7"), fill("-1", "0.9"))
    assert (position.quantity, position.cost, position.average_entry, position.unrealised_pnl) == (0, 0, None, 0)


def test_a_flip_leaves_the_rest_at_its_own_price() -> None:
    flipped = fold(fill("2", "100"), fill("-5", "120", pnl=40 * USD_UNIT))
    assert (flipped.quantity, flipped.average_entry) == (Quantity.of(-3), Quantity.of(120))
    assert (flipped.cost, flipped.realised_pnl, flipped.unrealised_pnl) == (360 * USD_UNIT, 40 * USD_UNIT, 0)
    back: Any = moved(flipped, fill("4", "110", pnl=30 * USD_UNIT))
    assert (back.quantity, back.average_entry) == (Quantity.of(1), Quantity.of(110))
    assert back.realised_pnl == 70 * USD_UNIT


def test_a_short_gains_when_the_price_falls() -> None:
    assert fold(fill("-2", "100"), fill("-1", "85")).unrealised_pnl == 30 * USD_UNIT


QUANTITIES = st.integers(-(10**6), 10**6).filter(bool).map(lambda n: Quantity(n * 10**15).text())


@given(st.lists(st.tuples(QUANTITIES, PRICES), max_size=20))
def test_quantity_is_the_exact_sum_and_cost_never_drifts(moves: Any) -> None:
    fills = [fill(quantity, price.text()) for quantity, price in moves]
    total = sum(one.quantity for one in fills)
    flat = fill(Quantity(-total).text(), "7") if total else fill("1", "1")
    position = fold(*fills, flat)
    if total:
        assert (position.quantity, position.cost) == (0, 0)
    else:
        assert (position.quantity, position.cost) == (Quantity.of(1), USD_UNIT)


@given(st.lists(st.tuples(QUANTITIES, PRICES), min_size=1, max_size=20))
def test_the_average_entry_of_a_position_lies_between_its_prices(moves: Any) -> None:
    position = fold(*(fill(quantity, price.text()) for quantity, price in moves))
    if position.average_entry is None:
        assert position.cost == 0
    else:
        slack = 21 * SCALE // abs(position.quantity) + 1
        low, high = (f(price for _, price in moves) for f in (min, max))
        assert low - slack * 10**10 <= position.average_entry <= high + slack * 10**10
