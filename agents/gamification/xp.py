"""XP of trades and closes: what one event grants for its trade, before the streak multiplier."""

from __future__ import annotations

from typing import Literal, NamedTuple

from agents.gamification.policy import XpRules
from streams.units import PPM, USD_UNIT
from tables.gamification import TradeTally

Source = Literal["trade", "close", "win"]


class Activity(NamedTuple):
    """What an event means to a trade. Amounts in 1e-8 USD.

    Attributes:
        notional: What it added; 0 when it only closed.
        pnl: What it realised.
        closing: Whether it closed something.
        by_user: Whether the user did it: a liquidation earns no XP and keeps no streak.
    """

    trade_id: str
    market: str
    notional: int
    pnl: int
    closing: bool
    by_user: bool

    def opens(self, tally: TradeTally) -> bool:
        """Whether it is the first fill of its trade, `tally` being what came before."""
        return self.notional > 0 and tally.notional == 0


class Grant(NamedTuple):
    """XP for one reason."""

    source: Source
    base: int

    def multiplied(self, multiplier_ppm: int) -> int:
        """With the streak multiplier, rounded down."""
        return self.base * multiplier_ppm // PPM


def trade_xp(notional: int, rules: XpRules) -> int:
    """max(10, ⌊notional ÷ 100 USD⌋) over all fills of a trade so far; 0 before the first."""
    return max(rules.trade_min, notional // (rules.usd_per_xp * USD_UNIT)) if notional else 0


def tallied(tally: TradeTally, activity: Activity, rules: XpRules) -> tuple[TradeTally, list[Grant]]:
    """The trade after an activity, and what it grants: growth of its trade XP, its first close, its first win."""
    notional, pnl = tally.notional + activity.notional, tally.pnl + activity.pnl
    closing = tally.closing or activity.closing
    won = tally.won or (closing and pnl > 0)
    grown = max(trade_xp(notional, rules) - tally.granted, 0) if activity.by_user else 0
    after = TradeTally(notional=notional, pnl=pnl, granted=tally.granted + grown, closing=closing, won=won)
    if not activity.by_user:
        return after, []
    grants: list[Grant] = []
    if grown:
        grants.append(Grant("trade", grown))
    if closing and not tally.closing and rules.close:
        grants.append(Grant("close", rules.close))
    if won and not tally.won and rules.win:
        grants.append(Grant("win", rules.win))
    return after, grants
