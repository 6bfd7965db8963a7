"""Warn users whose streak breaks at midnight, once a day and kind.

A streak has one deadline: the hour of the warning on the day after its last active day. Activity moves the deadline on.
So at a deadline the user has not been active that day, and a tick never looks at other users.
"""

from __future__ import annotations

from collections.abc import Mapping

from agents.gamification.deadlines import Deadlines
from agents.gamification.policy import StreakRules
from agents.notices import notice
from streams.events import AnyEvent, Event
from streams.events.clock import Ticked
from streams.events.gamification import StreakKind
from streams.times import DAY_US, HOUR_US
from tables.gamification import Due, Progress, Streak
from tables.typed import TypedTable

Streaks = Mapping[StreakKind, Streak]


class BreakingStreaks:
    """Watches the streaks of a partition's users."""

    def __init__(self, deadlines: Deadlines, users: TypedTable[Progress], rules: StreakRules) -> None:
        self._deadlines = deadlines
        self._users = users
        self._hour_us = rules.warning_hour * HOUR_US

    def moved(self, user_id: str, before: Streaks, after: Streaks) -> None:
        """Move the deadlines of the streaks that changed."""
        for kind, streak in after.items():
            old = before.get(kind)
            if old is streak:
                continue
            if old is not None:
                self._deadlines.remove("streak_breaking", user_id, kind, self._warning_at(old))
            self._deadlines.put("streak_breaking", user_id, kind, self._warning_at(streak))

    def warn(self, tick: Event[Ticked], due: Due) -> list[AnyEvent]:
        """Warn a user, unless the day is over and the streak broken already."""
        progress = self._users.get(due.user_id)
        streak = next((one for kind, one in progress.streaks.items() if kind == due.about), None) if progress else None
        if streak is None or tick.time >= (streak.last_day + 2) * DAY_US:
            return []
        name = f"streak_breaking|{due.user_id}|{due.about}"
        days = str(streak.days)
        return [notice(tick, "streak_breaking", user_id=due.user_id, id_name=name, streak=due.about, days=days)]

    def _warning_at(self, streak: Streak) -> int:
        return (streak.last_day + 1) * DAY_US + self._hour_us
