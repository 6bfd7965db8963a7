"""XP of trades and closes: the grants of one event, before the streak multiplier. Pure functions."""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

from agents.gamification.policy import XpRules
from streams.events.trading import Mode
from streams.units import USD_UNIT
from tables.gamification import TradeTally

Source = Literal["trade", "close", "win"]
Grant: TypeAlias = tuple[Source, int]
"""XP for one reason."""


class Activity(NamedTuple):
    """The effect of an event on a trade. Amounts in 1e-8 USD.

    Attributes:
        notional: The notional that the event added; 0 when it only closed.
        pnl: The pnl that the event realised.
        closing: Whether the event closed a part of the trade or all of it.
        by_user: Whether the user acted. A liquidation earns no XP and does not extend a streak.
        mode: Whether the trade is live or practice.
        fee: The fee of an execution.
    """

    trade_id: str
    market: str
    notional: int
    pnl: int
    closing: bool
    by_user: bool
    mode: Mode
    fee: int = 0

    def opens(self, tally: TradeTally) -> bool:
        """Return whether the event is the first fill of its trade; `tally` is the trade before the event."""
        return self.notional > 0 and tally.notional == 0


def trade_xp(notional: int, rules: XpRules) -> int:
    """Return max(10, ⌊notional ÷ 100 USD⌋) over all fills of a trade so far; 0 before the first."""
    return max(rules.trade_min, notional // (rules.usd_per_xp * USD_UNIT)) if notional else 0


def tallied(tally: TradeTally, activity: Activity, rules: XpRules) -> tuple[TradeTally, list[Grant]]:
    """Return the trade after an activity, and the grants: more trade XP, the first close, the first win."""
    notional, pnl = tally.notional + activity.notional, tally.pnl + activity.pnl
    closing = tally.closing or activity.closing
    won = tally.won or (closing and pnl > 0)
    grants: list[Grant] = []
    granted = tally.granted
    if activity.by_user:
        earned = trade_xp(notional, rules)
        if earned > granted:
            grants.append(("trade", earned - granted))
            granted = earned
        if closing and not tally.closing and rules.close:
            grants.append(("close", rules.close))
        if won and not tally.won and rules.win:
            grants.append(("win", rules.win))
    return TradeTally(notional=notional, pnl=pnl, granted=granted, closing=closing, won=won), grants
