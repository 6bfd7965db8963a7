"""The formulas of trading: profit, margin, fee, liquidation. Exact integers; each rounds once. No state, no events.

Amounts are in 1e-8 USD; prices and quantities in 1e-18.
"""

from __future__ import annotations

from typing import Final

from streams.events.trading import FillSide, Side
from streams.units import PPM, SCALE, USD_UNIT, Quantity, divide_half_up

OPENING: Final[dict[Side, FillSide]] = {"long": "buy", "short": "sell"}

VALUE_UNITS: Final = SCALE * SCALE // USD_UNIT
"""Divisor from 1e-36 USD, the unit of quantity times price, to 1e-8 USD."""


def pnl(side: Side, notional: int, entry: Quantity, exit_price: Quantity) -> int:
    """Return notional × (exit − entry) ÷ entry, with the sign inverted for short, rounded half up."""
    gain = notional * (exit_price - entry)
    return divide_half_up(gain if side == "long" else -gain, entry)


def margin(notional: int, leverage: int) -> int:
    """Return notional ÷ leverage, rounded up so that the margin covers the trade."""
    return -(-notional // leverage)


def fee(notional: int, rate_ppm: int) -> int:
    """Return a rate of the notional, rounded half up."""
    return divide_half_up(notional * rate_ppm, PPM)


def size_of(notional: int, price: Quantity) -> Quantity:
    """Return the quantity that a notional buys at a price: 18 decimals, rounded half up, never 0."""
    return Quantity(max(1, divide_half_up(notional * VALUE_UNITS, price)))


def value_of(quantity: int, price: Quantity) -> int:
    """Return the value of a quantity at a price, rounded half up."""
    return divide_half_up(quantity * price, VALUE_UNITS)


def liquidation_price(side: Side, entry: Quantity, leverage: int, maintenance_ppm: int) -> Quantity:
    """Return entry × (1 ∓ (1 − maintenance) ÷ leverage): 18 decimals, rounded half up, never 0."""
    reach = PPM - maintenance_ppm
    whole = leverage * PPM
    part = whole - reach if side == "long" else whole + reach
    return Quantity(max(1, divide_half_up(entry * part, whole)))


def beyond(side: Side, mark: Quantity, limit: Quantity) -> bool:
    """Return whether a mark price has passed a liquidation price. An equal price has not passed it."""
    return mark < limit if side == "long" else mark > limit
