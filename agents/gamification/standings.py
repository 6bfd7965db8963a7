"""Leaderboards: the points that an activity adds to boards. Pure functions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from agents.gamification.xp import Activity
from tables.boards import GLOBAL, Board

Points: TypeAlias = tuple[Board, str, int]
"""A board, its scope, and an amount for it: XP and trades as counts, volume and pnl in 1e-8 USD."""


def points(activity: Activity, xp: int, *, opens: bool) -> Iterator[Points]:
    """Return the points of an activity. `xp` is all XP of the activity; `opens` marks the first of its trade.

    A pnl of 0 counts as well, so that the user appears on the board.
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


class Run:
    """The sum of consecutive points of one user for one board.

    Attributes:
        amount: The sum.
        reached_at: The time of the last event that added an amount other than 0, or else of the first event.
        moved: Whether any event added an amount other than 0. If not, an existing standing does not change.
        watermark: The partition's watermark at the last event.
    """

    __slots__ = ("amount", "moved", "reached_at", "watermark")

    def __init__(self, amount: int, at: int, watermark: int) -> None:
        self.watermark = watermark
        self.amount = amount
        self.reached_at = at
        self.moved = amount != 0

    def add(self, amount: int, at: int, watermark: int) -> None:
        """Add further points."""
        self.watermark = watermark
        if amount != 0:
            self.amount += amount
            self.reached_at = at
            self.moved = True
