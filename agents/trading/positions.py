"""The net position of a user in a market, and the effect of fills on it. Pure functions.

The position keeps its cost in whole units of 1e-8 USD and its quantity exactly. A fill in its direction adds its
notional to the cost. A fill against it takes away cost in proportion to the quantity, rounded half up; one that closes
it takes all. A fill that goes through zero leaves the rest of itself, at its own price. So a closed position costs
exactly 0, and nothing drifts. Realised pnl is the sum that the closing fills report.
"""

from __future__ import annotations

import msgspec

from agents.trading.prices import VALUE_UNITS, value_of
from streams.events.trading import Mode, TradeExecuted
from streams.units import Quantity, divide_half_up
from tables.trading import Position


class Fill(msgspec.Struct, frozen=True, gc=False):
    """A change of a position: `quantity` in 1e-18, below 0 for a sale; `notional` and `pnl` in 1e-8 USD."""

    market: str
    mode: Mode
    quantity: int
    price: Quantity
    notional: int
    pnl: int
    at: int

    @classmethod
    def of(cls, executed: TradeExecuted, at: int) -> Fill:
        """Return the fill of an execution."""
        return cls(
            executed.market,
            executed.mode,
            executed.size if executed.side == "buy" else -executed.size,
            executed.price,
            executed.notional_usd,
            executed.closed_pnl_usd,
            at,
        )


def moved(position: Position | None, fill: Fill) -> Position:
    """Return the position after a fill."""
    before = position or _flat(fill)
    quantity = before.quantity + fill.quantity
    cost = _cost(before.quantity, before.cost, fill)
    return Position(
        quantity=Quantity(quantity),
        cost=cost,
        average_entry=average_entry(quantity, cost),
        realised_pnl=before.realised_pnl + fill.pnl,
        unrealised_pnl=unrealised(quantity, cost, fill.price),
        last_price=fill.price,
        updated_at=max(fill.at, before.updated_at),
    )


def _flat(fill: Fill) -> Position:
    return Position(
        quantity=Quantity(0),
        cost=0,
        average_entry=None,
        realised_pnl=0,
        unrealised_pnl=0,
        last_price=fill.price,
        updated_at=0,
    )


def _cost(quantity: int, cost: int, fill: Fill) -> int:
    if quantity * fill.quantity >= 0:
        return cost + fill.notional
    owned, traded = abs(quantity), abs(fill.quantity)
    if traded < owned:
        return cost - divide_half_up(cost * traded, owned)
    return divide_half_up(fill.notional * (traded - owned), traded)


def average_entry(quantity: int, cost: int) -> Quantity | None:
    """Return the cost per unit, 18 decimals, rounded half up; None when flat. Quantity in 1e-18, cost in 1e-8 USD."""
    if quantity == 0:
        return None
    return Quantity(divide_half_up(cost * VALUE_UNITS, abs(quantity)))


def unrealised(quantity: int, cost: int, price: Quantity) -> int:
    """Return the pnl of closing at a price, in 1e-8 USD. Quantity in 1e-18."""
    value = value_of(abs(quantity), price)
    return value - cost if quantity > 0 else cost - value
