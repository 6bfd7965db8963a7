"""Rows of the trading domain. Amounts are integers of 1e-8 USD, times microseconds since 1970, quantities text."""

from __future__ import annotations

from typing import Literal

from streams.events.trading import Mode, Side
from streams.units import Quantity
from tables.rows.base import Amount, Micros, Row

Status = Literal["open", "closed", "liquidated"]


class Account(Row, frozen=True, kw_only=True):
    """A user's practice account and the limits on orders.

    Attributes:
        balance: Start balance plus realised pnl minus fees; includes what is held as margin. Never below 0.
        margin: Participant for open practice trades.
        opened_day: The UTC day (days since 1970) that `opened_count` counts.
    """

    balance: Amount
    margin: Amount = 0
    opened_day: int = 0
    opened_count: int = 0
    max_leverage: int
    suspended: bool = False

    @property
    def available(self) -> int:
        """What is not held as margin."""
        return self.balance - self.margin


class Trade(Row, frozen=True, kw_only=True):
    """A trade: all fills of one trade id, or one practice trade.

    Attributes:
        side: Of the first fill.
        notional: Sum over its fills, as `size` and `fees`.
        pnl: Sum of what its fills realised; for practice trades known once it is closed.
        entry_price: Of the first fill.
        status: A venue's trade is `closed` once it had a closing fill.
    """

    user_id: str
    trade_id: str
    market: str
    side: Side
    mode: Mode
    venue: str
    status: Status
    fills: int
    notional: Amount
    size: Quantity
    fees: Amount
    pnl: Amount = 0
    entry_price: Quantity
    exit_price: Quantity | None = None
    leverage: int | None = None
    margin: Amount = 0
    liquidation_price: Quantity | None = None
    client_ref: str | None = None
    opened_at: Micros
    updated_at: Micros


class Exposure(Row, frozen=True, kw_only=True):
    """What a liquidation scan needs to know of an open practice trade."""

    user_id: str
    side: Side
    liquidation_price: Quantity


class Position(Row, frozen=True, kw_only=True):
    """The net position of a user in a market, in one mode.

    Attributes:
        quantity: Signed; below 0 is short.
        cost: What the open quantity was bought or sold for, at least 0; the truth behind `average_entry`.
        average_entry: `cost` per unit, rounded half up to 18 decimals; None when flat.
        realised_pnl: Sum of what closing fills realised, as the venue reported it.
        unrealised_pnl: As of `last_price`.
        last_price: Of the last fill.
    """

    user_id: str
    market: str
    mode: Mode
    quantity: Quantity
    cost: Amount
    average_entry: Quantity | None
    realised_pnl: Amount
    unrealised_pnl: Amount
    last_price: Quantity
    updated_at: Micros


class Totals(Row, frozen=True, kw_only=True):
    """Sums over the executions of one mode. `trades` are distinct trade ids, `closes` those with a closing fill."""

    fills: int = 0
    trades: int = 0
    closes: int = 0
    volume: Amount = 0
    realised_pnl: Amount = 0
    fees: Amount = 0


class Portfolio(Row, frozen=True, kw_only=True):
    """A user's trading summed up: live (what venues reported) and practice apart, and the practice account's money."""

    live: Totals = Totals()
    practice: Totals = Totals()
    practice_balance: Amount
    practice_margin: Amount = 0
    updated_at: Micros


class Mark(Row, frozen=True, kw_only=True):
    """The newest mark price of a market."""

    price: Quantity
    at: Micros
