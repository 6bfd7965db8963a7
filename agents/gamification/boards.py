"""The standings of the leaderboards over their table.

In a batch, points that count in the same periods of a board add up before its rows are read and written.
"""

from __future__ import annotations

from typing import NamedTuple

from agents.gamification.standings import Points, Run, board_keys
from streams.times import Instant
from tables.batches import Tables
from tables.boards import Board, Period, Standing
from tables.catalog import GAMIFICATION_BOARDS


class Place(NamedTuple):
    """A user on a board."""

    user_id: str
    board: Board
    scope: str


class Boards:
    """Every board of a partition's users."""

    def __init__(self, tables: Tables) -> None:
        self.standings = tables.values(GAMIFICATION_BOARDS, Standing.load, Standing.dump)
        tables.join(self)
        self._runs: dict[Place, tuple[tuple[Period, ...], Run]] = {}
        self._holding = False

    def count(self, user_id: str, point: Points, periods: tuple[Period, ...], at: Instant) -> None:
        """Add points to a board, in each of the periods."""
        place = Place(user_id, point.board, point.scope)
        known = self._runs.get(place)
        if known is not None and known[0] == periods:
            known[1].add(point.amount, at)
            return
        if known is not None:
            self._settle(place, *known)
        self._runs[place] = periods, Run(point.amount, at)
        if not self._holding:
            self.write()

    def _settle(self, place: Place, periods: tuple[Period, ...], run: Run) -> None:
        for key in board_keys(*place, periods):
            before = self.standings.get(key)
            after = run.after(before)
            if after is not before:
                self.standings.put(key, after)

    def begin(self) -> None:
        """From here on let points add up."""
        self._holding = True

    def write(self) -> None:
        """Bring the standings up to date."""
        for place, (periods, run) in self._runs.items():
            self._settle(place, periods, run)
        self.drop()

    def drop(self) -> None:
        """Forget what has added up."""
        self._runs = {}
        self._holding = False
