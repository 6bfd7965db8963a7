"""Users who lost one of the first ten places of a board, at most once a board and day (domain.md section 13).

A round is a minute; its first tick compares. The boards are xp, volume, trades and streak days of all markets, in the
newest week with a standing and of all time. A user is overtaken when the rank is worse than in the round before, in the
same period.
"""

from __future__ import annotations

from typing import Any, Final

from tests.community.oracle.standings import GLOBAL, Boards
from tests.community.oracle.times import DAY, MINUTE, kind_of

BOARDS: Final = ("streak_days", "trades", "volume", "xp")
KINDS: Final = ("all", "week")
PLACES: Final = 10


class FirstPlaces:
    """The first places of the boards in the last round, and when each user was told of a lost one."""

    def __init__(self) -> None:
        self.round = -1
        self.ranks: dict[tuple[str, str], tuple[str, list[str]]] = {}
        self.told: dict[str, dict[str, int]] = {}
        self.causes: dict[str, set[str]] = {}

    def tick(self, at: int, boards: Boards, cause: str) -> list[tuple[str, dict[str, str]]]:
        """Compare once in a round, and return the users to tell, with the arguments of the notification."""
        if at // MINUTE <= self.round:
            return []
        self.round = at // MINUTE
        return [
            (user, arguments)
            for board in BOARDS
            for kind in KINDS
            for user, arguments in self._lost(board, kind, boards)
            if self._tell(user, board, at // DAY, cause)
        ]

    def rows(self) -> dict[str, dict[str, Any]]:
        """Return for each user the days on which the user was told of a board."""
        return {user: {"days": days} for user, days in self.told.items()}

    def _lost(self, board: str, kind: str, boards: Boards) -> list[tuple[str, dict[str, str]]]:
        """Return the users whose rank is worse than in the round before."""
        period, ranks = _first(board, kind, boards)
        before_period, before = self.ranks.get((board, kind), (period, []))
        self.ranks[board, kind] = period, ranks
        lost = []
        for old, user in enumerate(before if before_period == period else [], start=1):
            rank = ranks.index(user) + 1 if user in ranks else None
            if rank is None or rank > old:
                shown = {} if rank is None else {"rank": str(rank)}
                lost.append((user, {"board": board, "period": period, "before": str(old), **shown}))
        return lost

    def _tell(self, user: str, board: str, day: int, cause: str) -> bool:
        days = self.told.setdefault(user, {})
        if days.get(board) == day:
            return False
        days[board] = day
        self.causes.setdefault(user, set()).add(cause)
        return True


def _first(board: str, kind: str, boards: Boards) -> tuple[str, list[str]]:
    """Return the newest period of a kind with a standing, and its first users."""
    groups = [group.split("/") for group in boards.groups]
    periods = [period for scope, period, name in groups if (scope, name, kind_of(period)) == (GLOBAL, board, kind)]
    newest = max(periods, default="")
    return newest, [user for _, _, user in boards.ranked(GLOBAL, newest, board)[:PLACES]] if newest else []
