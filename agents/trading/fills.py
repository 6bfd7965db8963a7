"""ReportFill: record a fill that a venue has executed. Risk limits do not apply. Pure functions."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from agents.trading import prices
from agents.trading.accounts import counted, new_portfolio
from agents.trading.policy import TradingPolicy
from agents.trading.positions import Fill, moved
from streams.events import Event
from streams.events.trading import ReportFill, TradeExecuted
from streams.units import Quantity, Usd
from tables.trading import Portfolio, Position, Trade


class FillState(msgspec.Struct, frozen=True, gc=False):
    """The rows that a fill changes: its trade, the user's position in its market, the user's portfolio."""

    trade: Trade | None
    position: Position | None
    portfolio: Portfolio | None


class Recorded(msgspec.Struct, frozen=True, gc=False):
    """The state after a fill."""

    trade: Trade
    position: Position
    portfolio: Portfolio


def record_fill(
    state: FillState, event: Event[ReportFill], policy: TradingPolicy, today: int = 0
) -> tuple[Recorded, Event[TradeExecuted]]:
    """Add a fill to its trade, position and portfolio. `today` is the day for `Trade.changed_on`."""
    at, before = event.time, state.trade
    executed = execution(event.data, policy)
    portfolio = counted(
        state.portfolio or new_portfolio(policy),
        executed,
        new_trade=before is None,
        new_close=executed.closing and (before is None or before.status != "closed"),
        at=at,
    )
    position = moved(state.position, Fill.of(executed, at))
    recorded = Recorded(filled(before, executed, at, today), position, portfolio)
    return recorded, event.then(executed, subject=executed.trade_id)


def execution(fill: ReportFill, policy: TradingPolicy) -> TradeExecuted:
    """Return the TradeExecuted of a reported fill. The rule book's fee applies when the venue named none."""
    fee_usd = fill.fee_usd
    if fee_usd is None:
        fee_usd = Usd(prices.fee(fill.notional_usd, policy.fee_ppm))
    return TradeExecuted(
        trade_id=fill.trade_id,
        fill_id=fill.fill_id,
        venue=fill.venue,
        market=fill.market,
        side=fill.side,
        mode="live",
        price=fill.price,
        size=fill.size,
        notional_usd=fill.notional_usd,
        fee_usd=fee_usd,
        closed_pnl_usd=fill.closed_pnl_usd,
        closes=fill.closes,
    )


def filled(trade: Trade | None, fill: TradeExecuted, at: int, today: int = 0) -> Trade:
    """Return the trade with one more fill."""
    if trade is None:
        trade = _first(fill, at)
    closing = fill.closing
    return replace(
        trade,
        status="closed" if closing else trade.status,
        fills=trade.fills + 1,
        notional=trade.notional + fill.notional_usd,
        size=Quantity(trade.size + fill.size),
        fees=trade.fees + fill.fee_usd,
        pnl=trade.pnl + fill.closed_pnl_usd,
        exit_price=fill.price if closing else trade.exit_price,
        updated_at=max(trade.updated_at, at),
        changed_on=today,
    )


def _first(fill: TradeExecuted, at: int) -> Trade:
    return Trade(
        market=fill.market,
        side="long" if fill.side == "buy" else "short",
        mode=fill.mode,
        venue=fill.venue,
        status="open",
        fills=0,
        notional=0,
        size=Quantity(0),
        fees=0,
        entry_price=fill.price,
        opened_at=at,
        updated_at=at,
    )
