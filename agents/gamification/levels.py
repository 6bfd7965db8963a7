"""XP to levels."""

from __future__ import annotations

from math import isqrt

from agents.gamification.policy import LevelRules


def level_of(xp: int, rules: LevelRules) -> int:
    """min(level max, ⌊√(xp ÷ unit)⌋ + 1): 399 is level 2, 400 level 3."""
    return min(rules.level_max, isqrt(xp // rules.xp_unit) + 1)
