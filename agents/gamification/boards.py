"""The standings of the leaderboards over their table.

A batch adds up the points for the same periods of a board first, and then reads and writes each row once.
"""

from __future__ import annotations

from collections.abc import Container, Iterable

from agents.gamification.lateness import Judged
from agents.gamification.policy import BoardRules
from agents.gamification.standings import Points, Run
from streams.times import Instant
from tables.boards import SEALED, Board, Period, group, period_named, raised, row_key, sealed_key
from tables.gamification import GAMIFICATION_BOARDS
from tables.unit_of_work import UnitOfWork


class Boards:
    """The boards of a partition's users."""

    def __init__(self, tables: UnitOfWork, rules: BoardRules) -> None:
        self.rows = tables.ranked(GAMIFICATION_BOARDS)
        tables.join(self)
        self._grace_h = rules.late_grace_h
        self._runs: dict[tuple[str, Board, str], tuple[tuple[Period, ...], Run]] = {}
        """Points that are not yet in a row, by user, board and scope."""
        self._holding = False

    def count(self, user_id: str, point: Points, judged: Judged, at: Instant) -> None:
        """Add points to a board in each open period."""
        board, scope, amount = point
        periods, watermark = judged.open, judged.watermark.highest
        place = user_id, board, scope
        known = self._runs.get(place)
        if known is not None:
            since, run = known
            if since == periods:
                run.add(amount, at, watermark)
                return
            self._settle(*place, since, run)
        self._runs[place] = periods, Run(amount, at, watermark)
        if not self._holding:
            self.write()

    def _settle(self, user_id: str, board: Board, scope: str, periods: tuple[Period, ...], run: Run) -> None:
        key = row_key(board, scope, user_id)
        before = self.rows.get(key) or {}
        counted = [period.text for period in periods]
        moved = counted if run.moved else [text for text in counted if text not in before]
        after = before | raised(before, moved, run.amount, run.reached_at)
        sealed = self._sealed(after, counted, run.watermark) if len(after) > len(counted) else []
        for text in sealed:
            del after[text]
        if after != before:
            self.rows.put(key, after)
        # Write them last: a reader that copies row by row may see the standing twice, but never misses it.
        for text in sealed:
            self.rows.put(sealed_key(group(board, scope, text), user_id), {SEALED: before[text]})

    def _sealed(self, standings: Iterable[str], counted: Container[str], watermark: int) -> list[str]:
        return [
            text for text in standings if text not in counted and period_named(text).sealed(watermark, self._grace_h)
        ]

    def begin(self) -> None:
        """Start to add up points in memory."""
        self._holding = True

    def write(self) -> None:
        """Write the standings."""
        for place, (periods, run) in self._runs.items():
            self._settle(*place, periods, run)
        self.drop()

    def drop(self) -> None:
        """Drop the points that were added up."""
        self._runs = {}
        self._holding = False
