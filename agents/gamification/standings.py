"""Leaderboards: points that add up, and the periods of a user that are over. Pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from streams.times import DAY_US
from tables.boards import Board, Period, Periods, Ranked, Standing, place_of
from tables.rank_score import EXACT_LIMIT


class Points:
    """The sum of a user's points for one board: XP and trades as counts, volume and pnl in 1e-8 USD.

    Attributes:
        amount: The sum.
        reached_at: The time of the last event that added an amount other than 0, or else of the first event.
        moved: Whether any event added an amount other than 0. If not, an existing standing does not change.
    """

    __slots__ = ("amount", "moved", "reached_at")

    def __init__(self, amount: int, at: int) -> None:
        self.amount = amount
        self.reached_at = at
        self.moved = amount != 0


class Sums:
    """The points of one user in one scope, by board, over events with the same open periods."""

    __slots__ = ("boards", "periods")

    def __init__(self, periods: Periods) -> None:
        self.periods = periods
        self.boards: dict[Board, Points] = {}

    def add(self, board: Board, amount: int, at: int) -> None:
        """Add points of an event at a time in microseconds."""
        points = self.boards.get(board)
        if points is None:
            self.boards[board] = Points(amount, at)
        elif amount != 0:
            points.amount += amount
            points.reached_at = at
            points.moved = True

    def reach(self, days: int, at: int) -> None:
        """Note the days of the trading streak, which the day of the periods began or continued."""
        self.boards["streak_days"] = Points(days, at)

    def add_to(
        self, standings: dict[str, Ranked], names: Mapping[Board, Iterable[str]], listed: Iterable[Period]
    ) -> bool:
        """Add the points to the standings with these names, of these periods. A new standing begins at 0.

        Return whether one changed.

        Raises:
            ValueError: when a new standing is out of range.
        """
        changed = False
        for board, points in self.boards.items():
            if board == "streak_days":
                for name, period in zip(names[board], listed, strict=True):
                    changed |= raise_streak(standings, name, period, points, self.periods.midnight)
                continue
            amount, at, moved = points.amount, points.reached_at, points.moved
            exact, fraction = 0 <= at < EXACT_LIMIT, at / EXACT_LIMIT
            for name in names[board]:
                held = standings.get(name)
                if held is None:
                    score = amount
                elif moved:
                    before = held[1]
                    score = amount + (before if type(before) is int else int(before))
                else:
                    continue
                changed = True
                if exact and -EXACT_LIMIT < score < EXACT_LIMIT:
                    # This is `rank_score`. To call it would take 3 % of the rules' time.
                    standings[name] = (fraction - (score + 1), score, at)
                else:
                    standings[name] = Standing(score, at).ranked
        return changed


def raise_streak(standings: dict[str, Ranked], name: str, period: Period, streak: Points, midnight: int) -> bool:
    """Raise a standing to the days of a streak that lie in its period, on the day that begins at `midnight`.

    Return whether it changed. A shorter streak leaves it as it is.
    """
    within = streak.amount if period.start is None else (midnight - period.start) // DAY_US + 1
    days, held = min(streak.amount, within), standings.get(name)
    if held is not None and int(held[1]) >= days:
        return False
    standings[name] = Standing(days, streak.reached_at).ranked
    return True


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
