"""The formulas of trading: profit, margin, fee, liquidation. Exact integers; each rounds once. No state, no events."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from streams.events.trading import FillSide, Side
from streams.units import PPM, SCALE, USD_UNIT, divide_half_up, scaled, unscaled

OPENING: Final[dict[Side, FillSide]] = {"long": "buy", "short": "sell"}
CLOSING: Final[dict[Side, FillSide]] = {"long": "sell", "short": "buy"}


def pnl(side: Side, notional: int, entry: Decimal, exit_price: Decimal) -> int:
    """Notional × (exit − entry) ÷ entry, the sign inverted for short; 1e-8 USD, rounded half up."""
    start = scaled(entry)
    gain = notional * (scaled(exit_price) - start)
    return divide_half_up(gain if side == "long" else -gain, start)


def margin(notional: int, leverage: int) -> int:
    """Notional ÷ leverage in 1e-8 USD, rounded up: the reserve covers the trade."""
    return -(-notional // leverage)


def fee(notional: int, rate_ppm: int) -> int:
    """A rate of the notional in 1e-8 USD, rounded half up."""
    return divide_half_up(notional * rate_ppm, PPM)


def size_of(notional: int, price: Decimal) -> Decimal:
    """How much a notional (1e-8 USD) buys at a price: 18 decimals, rounded half up, never 0."""
    return unscaled(max(1, divide_half_up(notional * SCALE * SCALE, scaled(price) * USD_UNIT)))


def value_of(quantity: int, price: Decimal) -> int:
    """What a quantity (1e-18) is worth at a price, in 1e-8 USD, rounded half up."""
    return divide_half_up(quantity * scaled(price) * USD_UNIT, SCALE * SCALE)


def liquidation_price(side: Side, entry: Decimal, leverage: int, maintenance_ppm: int) -> Decimal:
    """Entry × (1 ∓ (1 − maintenance) ÷ leverage): 18 decimals, rounded half up, never 0."""
    reach = PPM - maintenance_ppm
    whole = leverage * PPM
    part = whole - reach if side == "long" else whole + reach
    return unscaled(max(1, divide_half_up(scaled(entry) * part, whole)))


def beyond(side: Side, mark: Decimal, limit: Decimal) -> bool:
    """Whether a mark price has gone past a liquidation price; to stand exactly on it is not past it."""
    return mark < limit if side == "long" else mark > limit
