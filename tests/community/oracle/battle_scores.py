"""The score of a side, and how a side divides its prize: pure functions over exact fractions.

Rules: domain.md section 6; readings: decision 0040.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from tests.community.oracle.social_numbers import BattleNumbers

USD: Final = 10**8
"""A dollar, and a point of a score, in the units that rows have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Points:
    """What the trades of a member, or of a side, count. `pnl` is in 1e-8 USD."""

    pnl: int = 0
    closes: int = 0
    wins: int = 0
    trades: int = 0

    def plus(self, other: Points) -> Points:
        """Return the sum of both."""
        return Points(
            pnl=self.pnl + other.pnl,
            closes=self.closes + other.closes,
            wins=self.wins + other.wins,
            trades=self.trades + other.trades,
        )


def score_of(points: Points, numbers: BattleNumbers, factor: Fraction = Fraction(1)) -> int:
    """Return a score in 1e-8 points, rounded down once."""
    rate = Fraction(points.wins, points.closes) if points.closes else Fraction(0)
    of_trades = min(numbers.trade_points * points.trades, numbers.trades_points_most)
    exact = Fraction(points.pnl, USD) + numbers.win_rate_points * rate + of_trades
    whole = max(Fraction(0), exact) * factor * USD
    return whole.numerator // whole.denominator


def prizes_of(share: int, members: Mapping[str, Points], numbers: BattleNumbers) -> dict[str, int]:
    """Return what each member gets: parts by contribution, rounded down; the greatest contributor has the remainder."""
    contributed = {user: score_of(points, numbers) for user, points in members.items()}
    total = sum(contributed.values())
    if not total:
        return {}
    prizes = {user: share * part // total for user, part in contributed.items()}
    greatest = min(contributed, key=lambda user: (-contributed[user], user))
    prizes[greatest] += share - sum(prizes.values())
    return {user: prize for user, prize in prizes.items() if prize}
