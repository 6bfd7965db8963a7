"""Streaks: consecutive UTC days with activity of a kind, and the multiplier of XP (domain.md section 4)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from tests.community.oracle.times import DAY, HOUR

WARNING: Final = 20 * HOUR


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


@dataclass(slots=True)
class BreakingStreaks:
    """The warnings to come: of a streak without activity by 20:00 UTC of the day after its last active day."""

    due: dict[tuple[str, str], int] = field(default_factory=dict)
    """The time of the next warning, by user and kind of streak."""

    def watch(self, user: str, kind: str, last_day: int) -> None:
        """Watch a streak that has a new last day."""
        self.due[user, kind] = (last_day + 1) * DAY + WARNING

    def tick(self, at: int) -> list[tuple[str, str]]:
        """Return the users and streaks to warn of. A streak whose day is over has broken without a warning."""
        passed = {place: time for place, time in self.due.items() if time <= at}
        for place in passed:
            del self.due[place]
        return [place for place, time in passed.items() if at // DAY == time // DAY]

    def rows(self) -> dict[str, dict[str, Any]]:
        """Return the warnings to come, by time, user and streak."""
        return {f"{time:019d}|streak_breaking|{user}|{kind}": {"at": time} for (user, kind), time in self.due.items()}
