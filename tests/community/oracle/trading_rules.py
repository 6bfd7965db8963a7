"""The formulas of trading: positions, pnl, margin, liquidation price (domain.md §3, docs/rules.md).

USD is in 1e-8, quantities and prices are in 1e-18. Pure functions.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from typing import Any, Final

from tests.community.oracle.amounts import E8, E18, PPM, half_up

FEE_PPM: Final = 1_000
MAINTENANCE_PPM: Final = 50_000
CENTRAL_LEVERAGE_MAX: Final = {"BTC": 50, "ETH": 50}
LEVERAGE_MAX: Final = 20

Row = dict[str, Any]


def market_leverage(market: str) -> int:
    """Return the maximum leverage of a market."""
    return CENTRAL_LEVERAGE_MAX.get(market, LEVERAGE_MAX)


def fee(notional: int) -> int:
    """Return 0.1% of a notional, half up."""
    return half_up(Fraction(notional * FEE_PPM, PPM))


def margin(notional: int, leverage: int) -> int:
    """Return the notional divided by the leverage, rounded up."""
    return ceil(Fraction(notional, leverage))


def pnl(side: str, notional: int, entry: int, exit_price: int) -> int:
    """Return notional × (exit − entry) ÷ entry, with the sign inverted for short."""
    gain = Fraction(notional * (exit_price - entry), entry)
    return half_up(gain if side == "long" else -gain)


def liquidation_price(side: str, entry: int, leverage: int) -> int:
    """Return entry × (1 ∓ (1 − 5%) ÷ leverage)."""
    reach = Fraction(PPM - MAINTENANCE_PPM, PPM) / leverage
    return max(1, half_up(entry * (1 - reach if side == "long" else 1 + reach)))


def is_beyond(side: str, mark: int, limit: int) -> bool:
    """Return whether a mark has passed a liquidation price. One that equals it has not."""
    return mark < limit if side == "long" else mark > limit


def size_of(notional: int, price: int) -> int:
    """Return the quantity that a notional buys at a price, half up."""
    return max(1, half_up(Fraction(notional, E8) / Fraction(price, E18) * E18))


def value_of(size: int, price: int) -> int:
    """Return the value of a quantity at a price in 1e-8 USD, half up."""
    return half_up(Fraction(size, E18) * Fraction(price, E18) * E8)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What moves a position: a signed quantity at a price, its notional, and the pnl that it realises."""

    quantity: int
    price: int
    notional: int
    pnl: int
    at: int


def moved(before: Row | None, change: Change) -> Row:
    """Return a position after a change."""
    held, cost, realised, updated_at = 0, 0, 0, 0
    if before is not None:
        held, cost = before["quantity"], before["cost"]
        realised, updated_at = before["realised_pnl"], before["updated_at"]
    cost = _cost(held, cost, change)
    quantity = held + change.quantity
    value = value_of(abs(quantity), change.price)
    return {
        "quantity": quantity,
        "cost": cost,
        "average_entry": half_up(Fraction(cost, E8) / Fraction(abs(quantity), E18) * E18) if quantity else None,
        "realised_pnl": realised + change.pnl,
        "unrealised_pnl": value - cost if quantity > 0 else cost - value,
        "last_price": change.price,
        "updated_at": max(updated_at, change.at),
    }


def _cost(held: int, cost: int, change: Change) -> int:
    """Return the cost of what is open after a change."""
    owned, traded = abs(held), abs(change.quantity)
    if held == 0 or (held > 0) == (change.quantity > 0):
        return cost + change.notional
    if traded < owned:
        return cost - half_up(Fraction(cost * traded, owned))
    return half_up(Fraction(change.notional * (traded - owned), traded))
