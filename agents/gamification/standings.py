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


def board_keys(user_id: str, board: Board, scope: str, periods: Iterable[Period]) -> Iterator[str]:
    """The rows of `gamification-boards` that points of a board count in."""
    for period in periods:
        yield ranked_key(group(board, scope, period.text), user_id)


class Run:
    """Points of one user for one board, one after the other; each was reached at its event's time."""

    __slots__ = ("amount", "moved", "reached_at")

    def __init__(self, amount: int, at: int) -> None:
        self.amount = amount
        self.reached_at = at
        self.moved = amount != 0

    def add(self, amount: int, at: int) -> None:
        """Have more points follow; 0 more leaves when the score was reached."""
        if amount != 0:
            self.amount += amount
            self.reached_at = at
            self.moved = True

    def after(self, standing: Standing | None) -> Standing:
        """The standing after all of them; one that exists stays as it is when all were 0."""
        if standing is None:
            return Standing(self.amount, self.reached_at)
        return Standing(standing.score + self.amount, self.reached_at) if self.moved else standing
