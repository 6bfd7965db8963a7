"""XP of constellations, added at ticks, and shares of their rewards by contribution (domain.md sections 5 and 13)."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from tests.community.oracle.crossing import Causes
from tests.community.oracle.standings import GRACE, Boards
from tests.community.oracle.times import end_of, kind_of, periods_of

SCOPE = "constellations"


class Clans:
    """XP that members earned since the last tick, and what users gave in each season."""

    def __init__(self, boards: Boards) -> None:
        self.boards = boards
        self.pending: dict[str, dict[str, tuple[int, int]]] = defaultdict(dict)
        self.given: dict[str, dict[str, dict[str, int]]] = defaultdict(dict)
        self.causes: dict[str, set[str]] = defaultdict(set)

    def earn(self, constellation: str, xp: int, at: int, periods: tuple[str, ...]) -> None:
        """Keep XP of a member until the next tick."""
        for period in periods:
            before, reached = self.pending[constellation].get(period, (0, 0))
            self.pending[constellation][period] = before + xp, max(reached, at)

    def tick(self, cause: str) -> None:
        """Add what members earned to the totals, except in periods that the constellation's partition has sealed."""
        for constellation, periods in self.pending.items():
            highest = self.boards.partition(constellation).highest
            for period, (xp, at) in sorted(periods.items(), key=lambda one: (one[1][1], one[0])):
                if (end := end_of(period)) is None or highest < end + GRACE:
                    self.boards.total(SCOPE, "xp", constellation, xp, at=at, period=period, causes=(cause,))
        self.pending.clear()

    def give(self, constellation: str, user: str, amount: int, at: int, causes: Causes) -> None:
        """Note a contribution in its season. The two newest are kept: one that may wait for its seal, and the next."""
        highest, seasons = self.boards.partition(constellation).highest, self.given[constellation]
        for period in periods_of(at):
            if kind_of(period) == "season" and highest < (end_of(period) or 0) + GRACE:
                given = seasons.setdefault(period, {})
                given[user] = given.get(user, 0) + amount
                self.causes[constellation].update(causes)
        for period in sorted(seasons)[:-2]:
            del seasons[period]

    def shares(self, constellation: str, period: str, pool: int, causes: Causes) -> dict[str, int]:
        """Divide a pool, and forget the season. The greatest contributor gets what rounding leaves."""
        if period not in self.given.get(constellation, {}):
            return {}
        given = self.given[constellation].pop(period)
        total = sum(given.values())
        self.causes[constellation].update(causes)
        parts = {user: pool * one // total for user, one in given.items()}
        parts[min(given, key=lambda user: (-given[user], user))] += pool - sum(parts.values())
        return {user: part for user, part in parts.items() if part}

    def rows(self) -> dict[str, dict[str, Any]]:
        """Return what users gave, by constellation."""
        return {constellation: {"periods": seasons} for constellation, seasons in self.given.items()}
