"""Achievements: find those that a user has earned. Pure: the answers depend on the rule book and the user's counts."""

from __future__ import annotations

from functools import lru_cache
from operator import ge
from typing import Final, Protocol, TypeAlias, get_args

from agents.gamification.policy import AchievementKind, AchievementRule, AchievementRules
from streams.units import PPM, USD_UNIT

KINDS: Final[tuple[AchievementKind, ...]] = get_args(AchievementKind)
Measures: TypeAlias = tuple[int, ...]
"""A number for each of `KINDS`: a user's progress, or the threshold of the next achievement."""

_PERCENT: Final = 100
_NEVER: Final = 10**30
"""More than any measure: the threshold of a kind of which a user has all achievements."""


class Counts(Protocol):
    """The counts of a user that achievements need."""

    trades: int
    closes: int
    wins: int
    largest_trade: int
    level: int
    streak_days: int
    social_rating_ppm: int | None
    founded: bool
    battle_wins: int


class Achievements:
    """The achievements of a rule book."""

    def __init__(self, rules: AchievementRules) -> None:
        self._listed = rules.listed
        self._closes_min = rules.win_rate_closes_min
        self._next = lru_cache(maxsize=4096)(self._thresholds)

    def due(self, unlocked: tuple[str, ...], user: Counts) -> bool:
        """Return whether the user has earned an achievement that is not unlocked yet."""
        return any(map(ge, self._measures(user), self._next(unlocked)))

    def locked(self, unlocked: tuple[str, ...]) -> list[AchievementRule]:
        """Return the achievements that are not unlocked yet, in the order of the rule book."""
        return [rule for rule in self._listed if rule.name not in unlocked]

    def holds(self, rule: AchievementRule, user: Counts) -> bool:
        """Return whether a user meets the condition of an achievement."""
        return self._measures(user)[KINDS.index(rule.kind)] >= rule.at

    def _measures(self, user: Counts) -> Measures:
        closes = user.closes
        return (
            user.trades,
            user.wins,
            user.largest_trade // USD_UNIT,
            user.streak_days,
            user.level,
            user.wins * _PERCENT // closes if closes >= self._closes_min else 0,
            (user.social_rating_ppm or 0) // PPM,
            int(user.founded),
            user.battle_wins,
        )

    def _thresholds(self, unlocked: tuple[str, ...]) -> Measures:
        """Return for each kind the lowest measure that earns an achievement which is not unlocked yet."""
        locked = self.locked(unlocked)
        return tuple(min((rule.at for rule in locked if rule.kind == kind), default=_NEVER) for kind in KINDS)
