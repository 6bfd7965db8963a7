"""Leaderboards: points that add up, and the periods of a user that are over. Pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tables.boards import Board, Period, Periods, Points, Ranked, place_of, raise_standings


class Sums:
    """The points of one user in one scope, by board, over events with the same open periods."""

    __slots__ = ("boards", "periods")

    def __init__(self, periods: Periods) -> None:
        self.periods = periods
        self.boards: dict[Board, Points] = {}

    def add(self, board: Board, amount: int, at: int) -> None:
        """Add points: XP and trades as counts, volume and pnl in 1e-8 USD."""
        points = self.boards.get(board)
        if points is None:
            self.boards[board] = Points(amount, at)
        else:
            points.add(amount, at)

    def add_to(self, standings: dict[str, Ranked], names: Mapping[Board, Iterable[str]]) -> bool:
        """Add the points to the standings with these names. Return whether one changed."""
        changed = False
        for board, points in self.boards.items():
            changed |= raise_standings(standings, names[board], points)
        return changed


def take_out(standings: dict[str, Ranked], periods: Periods) -> tuple[dict[str, dict[str, Ranked]], list[Period]]:
    """Remove the standings of periods that are over on the day of `periods`.

    Return them by period and board, and return those of `periods` that are over for the user, because the standings
    are of a later day, week, month or season.
    """
    over: dict[str, dict[str, Ranked]] = {}
    later = set()
    for name in [name for name in standings if name not in periods.all_names]:
        period, board = place_of(name)
        if period.end is not None and period.end <= periods.midnight:
            over.setdefault(period.text, {})[board] = standings.pop(name)
        elif period.start is not None and period.start > periods.midnight:
            later.add(period.kind)
    return over, [period for period in periods.listed if period.kind in later] if later else []
