"""The standings of the leaderboards over their table.

In a batch, points that count in the same periods of a board add up before its rows are read and written.
"""

from __future__ import annotations

from agents.gamification.standings import Points, Run
from streams.times import Instant
from tables.batches import Tables
from tables.boards import Board, Period, raised, ranked_keys
from tables.catalog import GAMIFICATION_BOARDS


class Boards:
    """Every board of a partition's users."""

    def __init__(self, tables: Tables) -> None:
        self.rows = tables.raw(GAMIFICATION_BOARDS)
        tables.join(self)
        self._runs: dict[tuple[str, Board, str], tuple[tuple[Period, ...], Run]] = {}
        """By user, board and scope."""
        self._holding = False

    def count(self, user_id: str, point: Points, periods: tuple[Period, ...], at: Instant) -> None:
        """Add points to a board, in each of the periods."""
        board, scope, amount = point
        place = user_id, board, scope
        known = self._runs.get(place)
        if known is not None:
            since, run = known
            if since == periods:
                run.add(amount, at)
                return
            self._settle(*place, since, run)
        self._runs[place] = periods, Run(amount, at)
        if not self._holding:
            self.write()

    def _settle(self, user_id: str, board: Board, scope: str, periods: tuple[Period, ...], run: Run) -> None:
        rows = self.rows
        for key in ranked_keys(board, scope, periods, user_id):
            before = rows.get(key)
            if run.moved or before is None:
                rows.put(key, raised(before, run.amount, run.reached_at))

    def begin(self) -> None:
        """From here on let points add up."""
        self._holding = True

    def write(self) -> None:
        """Bring the standings up to date."""
        for place, (periods, run) in self._runs.items():
            self._settle(*place, periods, run)
        self.drop()

    def drop(self) -> None:
        """Forget what has added up."""
        self._runs = {}
        self._holding = False
