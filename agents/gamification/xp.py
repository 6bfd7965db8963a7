"""XP of trades and closes: the grants of one event, before the streak multiplier. Pure functions."""

from __future__ import annotations

from typing import Literal, NamedTuple

from agents.gamification.policy import XpRules
from streams.units import PPM, USD_UNIT
from tables.gamification import TradeTally

Source = Literal["trade", "close", "win"]


class Activity(NamedTuple):
    """The effect of an event on a trade. Amounts in 1e-8 USD.

    Attributes:
        notional: The notional that the event added; 0 when it only closed.
        pnl: The pnl that the event realised.
        closing: Whether the event closed a part of the trade or all of it.
        by_user: Whether the user acted. A liquidation earns no XP and does not extend a streak.
    """

    trade_id: str
    market: str
    notional: int
    pnl: int
    closing: bool
    by_user: bool

    def opens(self, tally: TradeTally) -> bool:
        """Return whether the event is the first fill of its trade; `tally` is the trade before the event."""
        return self.notional > 0 and tally.notional == 0


class Grant(NamedTuple):
    """XP for one reason."""

    source: Source
    base: int

    def multiplied(self, multiplier_ppm: int) -> int:
        """Return the grant times the streak multiplier, rounded down."""
        return self.base * multiplier_ppm // PPM


def trade_xp(notional: int, rules: XpRules) -> int:
    """Return max(10, ⌊notional ÷ 100 USD⌋) over all fills of a trade so far; 0 before the first."""
    return max(rules.trade_min, notional // (rules.usd_per_xp * USD_UNIT)) if notional else 0


def tallied(tally: TradeTally, activity: Activity, rules: XpRules) -> tuple[TradeTally, list[Grant]]:
    """Return the trade after an activity, and the grants: more trade XP, the first close, the first win."""
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
