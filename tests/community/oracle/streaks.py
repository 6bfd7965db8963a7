"""Streaks: consecutive UTC days with activity of a kind, and the multiplier of XP (domain.md section 4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(slots=True)
class Streak:
    """Days in a row up to the last active day, in days since 1970."""

    days: int
    best: int
    last_day: int

    def row(self) -> dict[str, Any]:
        """Return the streak as a row shows it."""
        return {"days": self.days, "best": self.best, "last_day": self.last_day}


def be_active(streak: Streak | None, day: int) -> Streak:
    """Return a streak after activity on a day. A missed day restarts it at 1; an older day leaves it as it is."""
    if streak is None:
        return Streak(1, 1, day)
    if day <= streak.last_day:
        return streak
    days = streak.days + 1 if day == streak.last_day + 1 else 1
    return Streak(days, max(days, streak.best), day)
