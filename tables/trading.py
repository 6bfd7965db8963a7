"""The declaration of the trading domain: its rows, keys and tables, and the topics it consumes and produces.

Amounts are integers of 1e-8 USD, times microseconds since 1970, quantities text.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal, get_args

from streams import topics
from streams.events.market import PriceUpdated
from streams.events.trading import CloseTrade, Mode, OpenTrade, ReportFill, Side
from streams.events.user import Tier
from streams.topology import Domain, TableSpec
from streams.units import Quantity
from tables.candles import Candle
from tables.keys import SEPARATOR
from tables.row import Amount, DayNumber, Micros, Row
from tables.watermark import Watermark

Status = Literal["open", "closed", "liquidated"]


class Account(Row, frozen=True, kw_only=True):
    """A user's practice account and the limits on orders.

    Attributes:
        balance: Start balance plus realised pnl minus fees. It includes the margin and is never below 0.
        margin: The sum of the margins of open practice trades.
        opened_day: The UTC day whose opened trades `opened_count` counts.
    """

    balance: Amount
    margin: Amount = 0
    opened_day: DayNumber = 0
    opened_count: int = 0
    max_leverage: int
    suspended: bool = False
    tier: Tier = "unverified"

    @property
    def available(self) -> int:
        """Return the balance without the margin."""
        return self.balance - self.margin


class Trade(Row, frozen=True, kw_only=True):
    """A trade: all fills of one trade id, or one practice trade. Its key names the user and the trade.

    Attributes:
        side: Side of the first fill.
        notional: Sum over the fills, as are `size` and `fees`.
        pnl: Sum of the fills' realised pnl. A practice trade has it once it is closed.
        entry_price: Price of the first fill.
        status: A venue's trade is `closed` once it had a closing fill.
        changed_on: The day of the partition's event time on which the row changed last; 0 while rows do not leave.
    """

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
    changed_on: DayNumber = 0


class Exposure(Row, frozen=True, kw_only=True):
    """The data of an open practice trade that a liquidation scan needs."""

    user_id: str
    side: Side
    liquidation_price: Quantity


class Position(Row, frozen=True, kw_only=True):
    """A net position. Its key names the user, the market and the mode.

    Attributes:
        quantity: Signed; below 0 is short.
        cost: The notional at which the open quantity was bought or sold, at least 0.
        average_entry: `cost` per unit, rounded half up to 18 decimals; None when flat.
        realised_pnl: Sum of the pnl of closing fills, as the venue reported it.
        unrealised_pnl: The pnl of closing at `last_price`.
        last_price: Price of the last fill.
    """

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
    """Sums over a user's trading, separate for live (venues' fills) and practice, and the practice account's money."""

    live: Totals = Totals()
    practice: Totals = Totals()
    practice_balance: Amount
    practice_margin: Amount = 0
    updated_at: Micros


class Mark(Row, frozen=True, kw_only=True):
    """The newest mark price of a market."""

    price: Quantity
    at: Micros


OPEN: Final = "trades/open"
"""The name of the standing that puts an open trade into the ranking of its user."""


def open_key(market: str, trade_id: str) -> str:
    """Return a key of `trading-open`. It begins with the market, so that a scan finds a market's open trades."""
    return f"{market}{SEPARATOR}{trade_id}"


def owned_key(user_id: str, trade_id: str) -> str:
    """Return the key of an open practice trade in `trading-owned`."""
    return f"{_owner(user_id)}{SEPARATOR}{trade_id}"


def owned_group(user_id: str) -> str:
    """Return the ranking of a user's open practice trades, the latest first."""
    return f"{_owner(user_id)}/{OPEN}"


def _owner(user_id: str) -> str:
    return f"of:{user_id}"


def position_key(user_id: str, market: str, mode: Mode) -> str:
    """Return a key of `trading-positions`: ``user|market``, or ``user|market|practice`` for practice money."""
    key = f"{user_id}{SEPARATOR}{market}"
    return key if mode == "live" else f"{key}{SEPARATOR}{mode}"


def position_of(key: str) -> tuple[str, str]:
    """Return the market and the mode that a key of `trading-positions` names."""
    _, market, *mode = key.split(SEPARATOR)
    return market, mode[0] if mode else "live"


def position_keys(user_id: str, markets: Iterable[str]) -> list[str]:
    """Return the keys that a user's positions can have, by market, live before practice."""
    return [position_key(user_id, market, mode) for market in sorted(markets) for mode in reversed(get_args(Mode))]


_ORDERS = (topics.TRADING_COMMANDS, topics.TRADING_MARKS)
_FACTS = (*_ORDERS, topics.USER_EVENTS)

TRADING_PROCESSED: Final[TableSpec[Row]] = TableSpec(
    "trading-processed", None, (topics.TRADING_COMMANDS, topics.USER_EVENTS)
)
TRADING_ACCOUNTS: Final = TableSpec("trading-accounts", Account, (*_FACTS, topics.GAMIFICATION_EVENTS))
TRADING_TRADES: Final = TableSpec("trading-trades", Trade, _ORDERS)
TRADING_OPEN: Final = TableSpec("trading-open", Exposure, _ORDERS)
TRADING_OWNED: Final[TableSpec[Row]] = TableSpec("trading-owned", None, _ORDERS, ranked=True)
TRADING_POSITIONS: Final = TableSpec("trading-positions", Position, _ORDERS)
TRADING_PORTFOLIO: Final = TableSpec("trading-portfolio", Portfolio, _ORDERS)
TRADING_MARKS: Final = TableSpec("trading-marks", Mark, (topics.TRADING_MARKS,))
TRADING_CANDLES: Final = TableSpec("trading-candles", Candle, (topics.TRADING_COMMANDS,))
TRADING_WATERMARK: Final = TableSpec("trading-watermark", Watermark, (topics.TRADING_COMMANDS,))

DOMAIN: Final = Domain(
    name="trading",
    consumes=(
        topics.TRADING_COMMANDS,
        topics.MARKET_PRICES,
        topics.TRADING_MARKS,
        topics.GAMIFICATION_EVENTS,
        topics.USER_EVENTS,
    ),
    produces={
        topics.TRADING_MARKS: (topics.MARKET_PRICES,),
        topics.TRADING_EVENTS: _FACTS,
        topics.TRADING_POSITIONS: _ORDERS,
        topics.NOTIFICATIONS: _FACTS,
    },
    commands=(OpenTrade, CloseTrade, ReportFill, PriceUpdated),
    tables=(
        TRADING_PROCESSED,
        TRADING_ACCOUNTS,
        TRADING_TRADES,
        TRADING_OPEN,
        TRADING_OWNED,
        TRADING_POSITIONS,
        TRADING_PORTFOLIO,
        TRADING_MARKS,
        TRADING_WATERMARK,
        TRADING_CANDLES,
    ),
    broadcasts=frozenset({topics.TRADING_MARKS}),
    unhurried=frozenset({topics.GAMIFICATION_EVENTS}),
)
