"""Warn users whose streak breaks at midnight, once a day and kind.

A streak has one deadline: the hour of the warning on the day after its last active day. Activity moves the deadline on.
So at a deadline the user has not been active that day, and a tick never looks at other users.
"""

from __future__ import annotations

from collections.abc import Mapping

from agents.deadlines import Deadlines
from agents.gamification.policy import StreakRules
from agents.notices import notice
from streams.events import AnyEvent, Event
from streams.events.clock import Ticked
from streams.events.gamification import StreakKind
from streams.times import DAY_US, HOUR_US
from tables.gamification import DeadlineKind, Progress, Streak
from tables.keys import SEPARATOR
from tables.typed import TypedTable

Streaks = Mapping[StreakKind, Streak]


class BreakingStreaks:
    """Watches the streaks of a partition's users."""

    def __init__(self, deadlines: Deadlines[DeadlineKind], users: TypedTable[Progress], rules: StreakRules) -> None:
        self._deadlines = deadlines
        deadlines.on({"streak_breaking": self.warn})
        self._users = users
        self._hour_us = rules.warning_hour * HOUR_US

    def moved(self, user_id: str, before: Streaks, after: Streaks) -> None:
        """Move the deadlines of the streaks that changed."""
        for kind, streak in after.items():
            old = before.get(kind)
            if old is streak:
                continue
            if old is not None:
                self._deadlines.remove("streak_breaking", _subject(user_id, kind), self._warning_at(old))
            self._deadlines.add("streak_breaking", _subject(user_id, kind), self._warning_at(streak))

    def warn(self, subject: str, tick: Event[Ticked]) -> list[AnyEvent]:
        """Warn a user, unless the day is over and the streak broken already."""
        user_id, _, kind = subject.rpartition(SEPARATOR)
        progress = self._users.get(user_id)
        streak = next((one for each, one in progress.streaks.items() if each == kind), None) if progress else None
        if streak is None or tick.time >= (streak.last_day + 2) * DAY_US:
            return []
        name = f"streak_breaking|{subject}"
        return [notice(tick, "streak_breaking", user_id=user_id, id_name=name, streak=kind, days=str(streak.days))]

    def _warning_at(self, streak: Streak) -> int:
        return (streak.last_day + 1) * DAY_US + self._hour_us


def _subject(user_id: str, kind: StreakKind) -> str:
    return f"{user_id}{SEPARATOR}{kind}"
