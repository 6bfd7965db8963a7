"""Boards: each user's score, when the user reached it, and the exact order."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from tests.oracle.periods import periods_of


class BoardKey(NamedTuple):
    """The identity of a board: `market` is `None` for the global one."""

    board: str
    period: str
    market: str | None = None


class Row(NamedTuple):
    """One line of a board as a reader sees it."""

    rank: int
    user: str
    score: int
    reached_at: datetime


@dataclass
class Boards:
    """Every board of every period and market, built by adding scores."""

    _scores: dict[BoardKey, dict[str, tuple[int, datetime]]] = field(default_factory=dict)

    def add(self, board: str, user: str, amount: int, at: datetime, *, market: str | None = None) -> None:
        """Add to the global board, and to the market's if one is given, in every period of the instant."""
        for period in periods_of(at):
            self._add_one(BoardKey(board, period), user, amount, at)
            if market is not None:
                self._add_one(BoardKey(board, period, market), user, amount, at)

    def reach(self, user: str, streak: int, at: datetime) -> None:
        """Raise the streak days of every period of the instant to the days of the streak that lie in the period."""
        for period in periods_of(at):
            days = 0
            while days < streak and period in periods_of(at - timedelta(days=days)):
                days += 1
            scores = self._scores.setdefault(BoardKey("streak_days", period), {})
            if user not in scores or days > scores[user][0]:
                scores[user] = (days, at)

    def _add_one(self, key: BoardKey, user: str, amount: int, at: datetime) -> None:
        scores = self._scores.setdefault(key, {})
        if user not in scores:
            scores[user] = (amount, at)
        elif amount != 0:
            scores[user] = (scores[user][0] + amount, at)

    def held(self) -> list[BoardKey]:
        return sorted(self._scores, key=lambda key: (key.board, key.period, key.market or ""))

    def rows(self, key: BoardKey) -> list[Row]:
        """Return rows by score descending, time of reaching it, then user id by bytes; ranks start at 1, no ties."""
        scores = self._scores.get(key, {})
        ordered = sorted(scores.items(), key=lambda item: (-item[1][0], item[1][1], item[0].encode()))
        return [Row(rank, user, score, at) for rank, (user, (score, at)) in enumerate(ordered, start=1)]
