"""Leaderboards: what an activity adds to which boards, and what that makes of a standing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from agents.gamification.xp import Activity
from tables.boards import GLOBAL, Board, Period, Standing, group, ranked_key
from tables.rows import TradeTally


class Points(NamedTuple):
    """An amount for one board: XP or trades as they are, volume and pnl in 1e-8 USD."""

    board: Board
    scope: str
    amount: int


def points(activity: Activity, before: TradeTally | None, xp: int) -> Iterator[Points]:
    """What an activity adds to the boards, `xp` being all XP it earned.

    A pnl of 0 counts as well: it puts a user on the board.
    """
    if xp > 0:
        yield Points("xp", GLOBAL, xp)
    if activity.notional > 0:
        yield Points("volume", GLOBAL, activity.notional)
        yield Points("volume", activity.market, activity.notional)
    if activity.closing:
        yield Points("pnl", GLOBAL, activity.pnl)
        yield Points("pnl", activity.market, activity.pnl)
    if activity.opens(before or TradeTally()):
        yield Points("trades", GLOBAL, 1)


def board_keys(user_id: str, point: Points, periods: Iterable[Period]) -> Iterator[str]:
    """The rows of `gamification-boards` that points count in."""
    for period in periods:
        yield ranked_key(group(point.board, point.scope, period.text), user_id)


def advanced(standing: Standing | None, amount: int, at: int) -> Standing:
    """A standing with an amount more, reached at the event's time; 0 more leaves one that exists as it is."""
    if standing is None:
        return Standing(amount, at)
    if amount == 0:
        return standing
    return Standing(standing.score + amount, at)
