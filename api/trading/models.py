"""Bodies of commands. Read only by `api.kit.commands.reading`, which gives the context."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo

from api.trading.plausible import check_fee, check_notional, check_pnl
from streams.events.base import ClientRef, FillId, Market, TradeId, UserId
from streams.events.trading import FillSide, Leverage, Mode, NonNegativeUsd, PositiveUsd, Side
from streams.times import SECOND_US, Instant
from streams.units import Price, Size, Usd

BATCH_MAX = 1_000
CLOCK_AHEAD_MAX_S = 300  # a time further in the future would move a partition's watermark for everyone


def _known(market: str, info: ValidationInfo) -> str:
    markets = (info.context or {}).get("markets")
    if markets is not None and market not in markets:
        raise ValueError(f"there is no market {market!r}")
    return market


def _not_ahead(time: Instant, info: ValidationInfo) -> Instant:
    return _at_most_ahead(time, info, CLOCK_AHEAD_MAX_S)


def _mark_not_ahead(time: Instant, info: ValidationInfo) -> Instant:
    return _at_most_ahead(time, info, (info.context or {}).get("mark_ahead_max_s", CLOCK_AHEAD_MAX_S))


def _at_most_ahead(time: Instant, info: ValidationInfo, ahead_max_s: int) -> Instant:
    now = (info.context or {}).get("now")
    if now is not None and time > now + ahead_max_s * SECOND_US:
        raise ValueError(f"lies more than {ahead_max_s} seconds in the future")
    return time


def _plausible_notional(notional: Usd, info: ValidationInfo) -> Usd:
    if "price" in info.data and "size" in info.data:  # absent when they were refused
        check_notional(notional, info.data["price"], info.data["size"])
    return notional


def _plausible_pnl(pnl: Usd, info: ValidationInfo) -> Usd:
    if "notional_usd" in info.data:
        check_pnl(pnl, info.data["notional_usd"])
    return pnl


def _plausible_fee(fee: Usd | None, info: ValidationInfo) -> Usd | None:
    if fee is not None and "notional_usd" in info.data:
        check_fee(fee, info.data["notional_usd"])
    return fee


KnownMarket = Annotated[Market, AfterValidator(_known)]
PastTime = Annotated[Instant, AfterValidator(_not_ahead)]
MarkTime = Annotated[Instant, AfterValidator(_mark_not_ahead)]


class Order(BaseModel):
    """Open a trade at the current mark price. The trader is the token's subject."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    market: KnownMarket
    side: Side
    notional_usd: PositiveUsd
    leverage: Leverage
    mode: Mode = "practice"
    client_ref: ClientRef | None = None


class Fill(BaseModel):
    """A fill that a venue executed. Several fills with one `trade_id` are one trade and add up."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    fill_id: Annotated[FillId, Field(description="The venue's own id; a fill counts once, however often it is sent")]
    user_id: UserId
    trade_id: TradeId
    market: KnownMarket
    side: FillSide
    price: Price
    size: Size
    notional_usd: Annotated[PositiveUsd, AfterValidator(_plausible_notional)]
    fee_usd: Annotated[
        NonNegativeUsd | None,
        AfterValidator(_plausible_fee),
        Field(description="The fee; by default the fee of the rule book"),
    ] = None
    closed_pnl_usd: Annotated[Usd, AfterValidator(_plausible_pnl)] = Usd(0)
    closes: Annotated[bool, Field(strict=True)] = False
    taker: Annotated[bool, Field(strict=True)] = True
    executed_at: PastTime


class FillBatch(BaseModel):
    """Up to 1,000 fills: all are accepted, or none."""

    model_config = ConfigDict(extra="forbid")

    fills: Annotated[list[Fill], Field(min_length=1, max_length=BATCH_MAX)]


class MarkPrice(BaseModel):
    """A mark price; `time` defaults to now."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    market: KnownMarket
    price: Price
    time: MarkTime | None = None


class PriceBatch(BaseModel):
    """Up to 1,000 mark prices: all are accepted, or none."""

    model_config = ConfigDict(extra="forbid")

    prices: Annotated[list[MarkPrice], Field(min_length=1, max_length=BATCH_MAX)]
