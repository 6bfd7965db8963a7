"""Commands and events of trading."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import msgspec
from pydantic import Field

from streams import topics
from streams.events.base import (
    ClientRef,
    Command,
    EventData,
    FillId,
    Market,
    Name,
    TradeId,
    UserId,
    VenueId,
    check_names,
)
from streams.units import Price, Quantity, Size, Usd, price_or_size
from streams.wire import written

LEVERAGE_MAX = 1_000

Side = Literal["long", "short"]
FillSide = Literal["buy", "sell"]
Mode = Literal["practice", "live"]
PositiveUsd = Annotated[Usd, Field(gt=0)]
NonNegativeUsd = Annotated[Usd, Field(ge=0)]
Leverage = Annotated[int, msgspec.Meta(ge=1, le=LEVERAGE_MAX), Field(ge=1, le=LEVERAGE_MAX, strict=True)]


class OpenTrade(Command, frozen=True, kw_only=True):
    """Open a trade at the current mark price. `client_ref` is the client's own name for it."""

    domain: ClassVar[str] = "trading"

    market: Market
    side: Side
    notional_usd: PositiveUsd
    leverage: Leverage
    mode: Mode = written("practice")
    client_ref: ClientRef | None = None


class CloseTrade(Command, frozen=True, kw_only=True):
    """Close an open practice trade at the current mark price."""

    domain: ClassVar[str] = "trading"

    trade_id: TradeId


class ReportFill(Command, frozen=True, kw_only=True):
    """A venue reports a fill that it executed. Without `fee_usd` the rule book's fee applies."""

    domain: ClassVar[str] = "trading"

    fill_id: FillId
    user_id: UserId
    trade_id: TradeId
    market: Market
    side: FillSide
    price: Price
    size: Size
    notional_usd: PositiveUsd
    fee_usd: NonNegativeUsd | None = None
    closed_pnl_usd: Usd = written(Usd(0))
    closes: bool = written(False)
    taker: bool = written(True)
    venue: VenueId

    def __post_init__(self) -> None:
        """Refuse a fill that no venue can have executed.

        Raises:
            ValueError: naming what was wrong.
        """
        check_names(self.market, (self.fill_id, self.user_id, self.trade_id, self.venue))
        price_or_size(self.price)
        price_or_size(self.size)
        if self.notional_usd <= 0 or (self.fee_usd is not None and self.fee_usd < 0):
            raise ValueError("expected a notional above 0 and no fee below 0")


class TradeExecuted(EventData, frozen=True, kw_only=True):
    """A fill of a trade. `side` is what was bought or sold; `fill_id` is the trade's id for practice trades."""

    domain: ClassVar[str] = "trading"

    trade_id: TradeId
    fill_id: FillId
    venue: VenueId
    market: Market
    side: FillSide
    mode: Mode
    price: Price
    size: Size
    notional_usd: PositiveUsd
    fee_usd: NonNegativeUsd
    closed_pnl_usd: Usd
    closes: bool

    @property
    def closing(self) -> bool:
        """Return whether the fill is marked as closing, or has a pnl other than 0."""
        return self.closes or self.closed_pnl_usd != 0


class _Settled(EventData, frozen=True, kw_only=True):
    domain: ClassVar[str] = "trading"

    trade_id: TradeId
    market: Market
    side: Side
    mode: Mode
    notional_usd: PositiveUsd
    entry_price: Price
    exit_price: Price
    pnl_usd: Usd


class TradeClosed(_Settled, frozen=True, kw_only=True):
    """The owner closed a practice trade. `pnl` is the whole pnl of the trade."""

    profitable: bool


class TradeLiquidated(_Settled, frozen=True, kw_only=True):
    """A mark price beyond the liquidation price closed a practice trade; the loss is at most its margin."""

    liquidation_price: Price
    margin_usd: PositiveUsd


class TradeRejected(EventData, frozen=True, kw_only=True):
    """A command was rejected. `detail` has the figures in words, for people; it may be empty.

    `trade_id` is the id that the answer to an order gave, or the trade that CloseTrade named.
    """

    domain: ClassVar[str] = "trading"

    command: Literal["OpenTrade", "CloseTrade"]
    reason: Name
    detail: str = written("")
    market: Market | None = None
    trade_id: TradeId | None = None
    client_ref: ClientRef | None = None


class FillRejected(EventData, frozen=True, kw_only=True):
    """A venue's report of a fill changed nothing.

    Either an earlier report of the fill had other content; `differing` names the fields. Or the fill is so much older
    than its user's newest one that it may be a repetition.
    """

    domain: ClassVar[str] = "trading"

    fill_id: FillId
    venue: VenueId
    trade_id: TradeId
    reason: Literal["conflicting_repetition", "too_late"]
    differing: tuple[str, ...] = ()


class RiskAlert(EventData, frozen=True, kw_only=True):
    """An accepted order puts much of the equity at risk."""

    domain: ClassVar[str] = "trading"

    kind: Literal["margin"]
    level: Literal["medium", "high"]
    trade_id: TradeId
    margin_usd: PositiveUsd
    equity_usd: Usd


class PositionUpdated(EventData, frozen=True, kw_only=True):
    """A position changed. It is the position after the last event of a batch; `quantity` below 0 is short."""

    domain: ClassVar[str] = "trading"
    topic: ClassVar[str] = topics.TRADING_POSITIONS

    market: Market
    mode: Mode
    quantity: Quantity
    average_entry: Quantity | None = None
    realised_pnl_usd: Usd
    unrealised_pnl_usd: Usd


class PortfolioUpdated(EventData, frozen=True, kw_only=True):
    """A portfolio changed. It is the portfolio after the last event of a batch."""

    domain: ClassVar[str] = "trading"
    topic: ClassVar[str] = topics.TRADING_POSITIONS

    live_volume_usd: Usd
    live_pnl_usd: Usd
    practice_balance_usd: Usd
    practice_margin_usd: Usd


class TradingSuspended(EventData, frozen=True, kw_only=True):
    """A user's orders are rejected from now on, because the account was suspended or closed."""

    domain: ClassVar[str] = "trading"

    reason: Name


class TradingResumed(EventData, frozen=True, kw_only=True):
    """A user may send orders again."""

    domain: ClassVar[str] = "trading"
