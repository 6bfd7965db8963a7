"""XP of constellations, told at ticks, and shares of their rewards by contribution (domain.md sections 5 and 13)."""

from __future__ import annotations

from collections import defaultdict

from tests.community.oracle.standings import GRACE, Boards
from tests.community.oracle.times import end_of, kind_of, periods_of

SCOPE = "constellations"


class Clans:
    """XP that members earned since the last tick, and what users gave in each season."""

    def __init__(self, boards: Boards) -> None:
        self.boards = boards
        self.pooled: dict[str, dict[str, tuple[int, int]]] = defaultdict(dict)
        self.given: dict[tuple[str, str], dict[str, int]] = defaultdict(dict)

    def earn(self, constellation: str, xp: int, at: int, periods: tuple[str, ...]) -> None:
        """Keep XP of a member until the next tick."""
        for period in periods:
            before, reached = self.pooled[constellation].get(period, (0, 0))
            self.pooled[constellation][period] = before + xp, max(reached, at)

    def tick(self, cause: str) -> None:
        """Add what members earned to the totals, except in periods that the constellation's partition has sealed."""
        for constellation, periods in self.pooled.items():
            highest = self.boards.partition(constellation).highest
            for period, (xp, at) in sorted(periods.items(), key=lambda one: (one[1][1], one[0])):
                if (end := end_of(period)) is None or highest < end + GRACE:
                    self.boards.total(SCOPE, "xp", constellation, xp, at=at, period=period, causes=(cause,))
        self.pooled.clear()

    def give(self, constellation: str, user: str, amount: int, at: int) -> None:
        """Note a contribution in its season."""
        highest = self.boards.partition(constellation).highest
        for period in periods_of(at):
            if kind_of(period) == "season" and highest < (end_of(period) or 0) + GRACE:
                given = self.given[constellation, period]
                given[user] = given.get(user, 0) + amount

    def shares(self, constellation: str, period: str, pool: int) -> dict[str, int]:
        """Return each contributor's part of a pool; the greatest contributor gets what rounding leaves."""
        given = self.given[constellation, period]
        total = sum(given.values())
        if not total:
            return {}
        parts = {user: pool * one // total for user, one in given.items()}
        parts[min(given, key=lambda user: (-given[user], user))] += pool - sum(parts.values())
        return {user: part for user, part in parts.items() if part}
