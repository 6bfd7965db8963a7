"""Leaderboards: what an activity adds to which boards, and what that makes of a standing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from agents.gamification.xp import Activity
from tables.boards import GLOBAL, Board

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


class Run:
    """Points of one user for one board, one after the other.

    Attributes:
        amount: Their sum.
        reached_at: The time of the last event that added other than 0; while there is none, of the first.
        moved: Whether any added other than 0. When none did, they leave a standing that exists as it is.
        watermark: The partition's with the last of them.
    """

    __slots__ = ("amount", "moved", "reached_at", "watermark")

    def __init__(self, amount: int, at: int, watermark: int) -> None:
        self.watermark = watermark
        self.amount = amount
        self.reached_at = at
        self.moved = amount != 0

    def add(self, amount: int, at: int, watermark: int) -> None:
        """Have more points follow."""
        self.watermark = watermark
        if amount != 0:
            self.amount += amount
            self.reached_at = at
            self.moved = True
