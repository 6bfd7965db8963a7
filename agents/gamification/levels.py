"""The level of an amount of XP."""

from __future__ import annotations

from math import isqrt

from agents.gamification.policy import LevelRules


def level_of(xp: int, rules: LevelRules) -> int:
    """Return min(level max, ⌊√(xp ÷ unit)⌋ + 1): with a unit of 100, 399 XP is level 2 and 400 XP level 3."""
    return min(rules.level_max, isqrt(xp // rules.xp_unit) + 1)
