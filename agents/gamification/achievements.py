"""Achievements: find those that a user has earned. Pure functions."""

from __future__ import annotations

from typing import Final

from agents.gamification.policy import AchievementKind, AchievementRule, AchievementRules
from streams.units import USD_UNIT
from tables.gamification import Progress

_PERCENT: Final = 100


def measures(progress: Progress, rules: AchievementRules) -> dict[AchievementKind, int]:
    """Return a user's progress in each kind of achievement."""
    streak, closes = progress.streaks.get("trading"), progress.closes
    return {
        "trades": progress.trades,
        "profitable_close": progress.wins,
        "single_trade": progress.largest_trade // USD_UNIT,
        "trading_streak": streak.days if streak else 0,
        "level": progress.level,
        "win_rate": progress.wins * _PERCENT // closes if closes >= rules.win_rate_closes_min else 0,
    }


def locked(progress: Progress, rules: AchievementRules) -> list[AchievementRule]:
    """Return the achievements that a user does not have yet, in the order of the rule book."""
    have = {unlocked.name for unlocked in progress.achievements}
    return [rule for rule in rules.listed if rule.name not in have]


def holds(rule: AchievementRule, progress: Progress, rules: AchievementRules) -> bool:
    """Return whether a user meets the condition of an achievement."""
    return measures(progress, rules)[rule.kind] >= rule.at


def due(progress: Progress, rules: AchievementRules) -> bool:
    """Return whether the user has earned an achievement that is not unlocked yet."""
    measured = measures(progress, rules)
    earned = [name for kind, at, name in rules.steps if measured[kind] >= at]
    return not {unlocked.name for unlocked in progress.achievements}.issuperset(earned)
