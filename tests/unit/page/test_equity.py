"""The dashboard says of open positions, practice trades and days what the rules would book."""

from __future__ import annotations

import random
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from agents.trading import prices
from agents.trading.positions import average_entry, unrealised
from streams.times import SECOND_US, Instant
from streams.units import Quantity, Usd

Called = Callable[[str, list[list[Any]]], list[Any]]
MODULE = "data/equity.ts"
CASES = 100
STEP = Decimal("1e-8")


def some(chosen: random.Random, units: int) -> Quantity:
    return Quantity.parse(str(Decimal(chosen.randint(1, units)) / 1000))


def test_the_profit_of_a_practice_trade_is_what_closing_it_would_book(called: Called) -> None:
    chosen = random.Random(3)
    calls, expected = [], []
    for _ in range(CASES):
        entry, now = some(chosen, 10**8), some(chosen, 10**8)
        notional, margin = Usd(chosen.randint(1, 10**14)), Usd(chosen.randint(1, 10**13))
        side: Any = chosen.choice(["long", "short"])
        trade = {
            "side": side,
            "notional_usd": notional.text(),
            "entry_price": entry.text(),
            "margin_usd": margin.text(),
        }
        calls.append(["tradeProfit", trade, now.text()])
        expected.append(max(prices.pnl(side, notional, entry, now), -margin))
    assert [Usd.parse(found) for found in called(MODULE, calls)] == expected


def test_the_profit_of_a_position_follows_the_price(called: Called) -> None:
    chosen = random.Random(5)
    calls, expected = [], []
    for _ in range(CASES):
        size, last, now = some(chosen, 10**6), some(chosen, 10**8), some(chosen, 10**8)
        quantity = Quantity(size * chosen.choice([1, -1]))
        cost = chosen.randint(1, 10**14)
        assert average_entry(quantity, cost) is not None
        position = {
            "quantity": quantity.text(),
            "last_price": last.text(),
            "unrealised_pnl_usd": Usd(unrealised(quantity, cost, last)).text(),
        }
        calls.append(["openProfit", position, now.text()])
        expected.append(Decimal(Usd(unrealised(quantity, cost, now)).text()))
    for found, booked in zip(called(MODULE, calls), expected, strict=True):
        assert abs(Decimal(found) - booked) <= STEP, "the value at the last price is rounded to 1e-8 USD"


def day(name: str, **live: str) -> dict[str, Any]:
    """Return a day of a user, with what is not named as 0."""
    nothing = {"trades": 0, "volume_usd": "0.00", "pnl_usd": "0.00", "fees_usd": "0.00"}
    return {"day": name, "live": {**nothing, **live}, "practice": nothing}


def test_the_equity_curve_has_every_day_and_the_running_sum(called: Called) -> None:
    days = [
        day("2024-09-18"),  # such as a sign-in
        day("2024-09-20", volume_usd="5", fees_usd="0.10"),
        day("2024-09-22", pnl_usd="-2.5"),
        day("2024-09-23", fees_usd="0.00000001"),  # of a trade that began before
        day("2024-09-25"),
    ]
    live, practice = called(MODULE, [["curveOf", days, "live"], ["curveOf", days, "practice"]])
    assert [Instant(time * SECOND_US).day().day for time in live["times"]] == [20, 21, 22, 23]
    assert live["values"] == ["-0.1", "-0.1", "-2.6", "-2.60000001"]
    assert practice is None
