"""Which facts of trading are activities: executions, closes by their owner, liquidations."""

from __future__ import annotations

from agents.gamification.xp import Activity
from streams.events import EventData
from streams.events.trading import TradeClosed, TradeExecuted, TradeLiquidated


def activity_of(data: EventData) -> Activity | None:
    """What a fact of trading means to gamification; None when nothing.

    A practice trade that ends adds no notional. A liquidation counts as a losing close, but is nothing the user did.
    """
    match data:
        case TradeExecuted():
            return Activity(
                trade_id=data.trade_id,
                market=data.market,
                notional=data.notional_usd,
                pnl=data.closed_pnl_usd,
                closing=data.closing,
                by_user=True,
            )
        case TradeClosed() | TradeLiquidated():
            return Activity(
                trade_id=data.trade_id,
                market=data.market,
                notional=0,
                pnl=data.pnl_usd,
                closing=True,
                by_user=isinstance(data, TradeClosed),
            )
    return None
