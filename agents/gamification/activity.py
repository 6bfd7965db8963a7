"""Turn events of trading into activities: executions, closes by their owner, and liquidations."""

from __future__ import annotations

from typing import Final

from agents.gamification.xp import Activity
from streams.events import EventData
from streams.events.trading import TradeClosed, TradeExecuted, TradeLiquidated

ACTIVITIES: Final = (TradeExecuted, TradeClosed, TradeLiquidated)
"""The classes of events that have an effect on gamification."""


def activity_of(data: EventData) -> Activity | None:
    """Return the activity of an event of trading, or None when it has no effect on gamification.

    The end of a practice trade adds no notional. A liquidation counts as a losing close, but not as done by the user.
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
                mode=data.mode,
                fee=data.fee_usd,
            )
        case TradeClosed() | TradeLiquidated():
            return Activity(
                trade_id=data.trade_id,
                market=data.market,
                notional=0,
                pnl=data.pnl_usd,
                closing=True,
                by_user=isinstance(data, TradeClosed),
                mode=data.mode,
            )
    return None
