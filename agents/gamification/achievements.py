"""Achievements: which of them hold for a user."""

from __future__ import annotations

from typing import Final

from agents.rulebook import AchievementKind, AchievementRule, AchievementRules
from streams.units import USD_UNIT
from tables.rows import Progress

_PERCENT: Final = 100


def holds(rule: AchievementRule, progress: Progress, rules: AchievementRules) -> bool:
    """Whether a user has done what an achievement asks for."""
    return _measure(rule.kind, progress, rules) >= rule.at


def locked(progress: Progress, rules: AchievementRules) -> list[AchievementRule]:
    """The achievements that a user does not have yet, in the order of the list."""
    have = {unlocked.name for unlocked in progress.achievements}
    return [rule for rule in rules.listed if rule.name not in have]


def _measure(kind: AchievementKind, progress: Progress, rules: AchievementRules) -> int:
    match kind:
        case "trades":
            return progress.trades
        case "profitable_close":
            return progress.wins
        case "single_trade":
            return progress.largest_trade // USD_UNIT
        case "trading_streak":
            streak = progress.streaks.get("trading")
            return streak.days if streak else 0
        case "level":
            return progress.level
        case "win_rate":
            enough = progress.closes >= rules.win_rate_closes_min
            return progress.wins * _PERCENT // progress.closes if enough else 0
