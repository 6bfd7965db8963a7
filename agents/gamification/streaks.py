"""Streaks: consecutive UTC days with activity, and their multiplier. Pure functions."""

from __future__ import annotations

from typing import Literal

from agents.gamification.policy import StreakRules
from streams.units import PPM
from tables.gamification import Streak

Action = Literal["started", "continued", "broken"]


def active_on(streak: Streak | None, day: int) -> tuple[Streak, Action | None]:
    """Return the streak after activity on a day (days since 1970), and the kind of change.

    A missed day restarts the streak at 1. Activity on the last active day, or on an older day, changes nothing.
    """
    if streak is None:
        return Streak(days=1, best=1, last_day=day), "started"
    if day <= streak.last_day:
        return streak, None
    if day > streak.last_day + 1:
        return Streak(days=1, best=streak.best, last_day=day), "broken"
    days = streak.days + 1
    return Streak(days=days, best=max(days, streak.best), last_day=day), "continued"


def multiplier_ppm(days: int, rules: StreakRules) -> int:
    """Return 1 + step × (days − 1), up to the limit, in parts per million."""
    return min(PPM + rules.step_ppm * (days - 1), rules.multiplier_ppm_max)
