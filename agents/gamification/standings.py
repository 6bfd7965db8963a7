"""Leaderboards: what an activity adds to which boards, and what that makes of a standing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeAlias

from agents.gamification.xp import Activity
from tables.boards import GLOBAL, Board, Period, Standing, group, ranked_key

Points: TypeAlias = tuple[Board, str, int]
"""A board, its scope, and an amount for it: XP or trades as they are, volume and pnl in 1e-8 USD."""


def points(activity: Activity, xp: int, *, opens: bool) -> Iterator[Points]:
    """What an activity adds to the boards, `xp` being all XP it earned; `opens`: it is the first of its trade.

    A pnl of 0 counts as well: it puts a user on the board.
    """
    if xp > 0:
        yield "xp", GLOBAL, xp
    if activity.notional > 0:
        yield "volume", GLOBAL, activity.notional
        yield "volume", activity.market, activity.notional
    if activity.closing:
        yield "pnl", GLOBAL, activity.pnl
        yield "pnl", activity.market, activity.pnl
    if opens:
        yield "trades", GLOBAL, 1


def board_keys(user_id: str, board: Board, scope: str, periods: Iterable[Period]) -> list[str]:
    """The rows of `gamification-boards` that points of a board count in."""
    return [ranked_key(group(board, scope, period.text), user_id) for period in periods]


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
