"""What users did and earned by hour, and each user by day, over their tables.

A batch adds up its events first, and then reads and writes each row once.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from agents.gamification.happenings import Happening
from agents.gamification.progress import Earned
from agents.gamification.window_sums import DaySum, HourSum
from agents.gamification.xp import Activity
from agents.windows import EventTime, Expiry, WindowRules
from streams.events import AnyEvent
from streams.events.gamification import StreakKind, XPGained, XPSource
from streams.times import DAY_US, HOUR_US, Instant
from tables.gamification import GAMIFICATION_DAYS, GAMIFICATION_HOURS, Progress, day_key
from tables.hours import merged
from tables.typed import TypedTable
from tables.unit_of_work import UnitOfWork
from tables.watermark import Watermark
from tables.windows import Interval, window_key

INTERVALS: Final[tuple[Interval, ...]] = ("1h", "1d")
"""An event counts in its hour, and in the day of its user."""


class UserWindows:
    """The days of a partition's users, and its part of each hour.

    An event that is too late for its day counts in neither; one that is too late for its hour still counts in its day.
    """

    def __init__(self, tables: UnitOfWork, watermarks: TypedTable[Watermark], grace_h: int, rules: WindowRules) -> None:
        self.hours = tables.rows(GAMIFICATION_HOURS)
        self.days = tables.rows(GAMIFICATION_DAYS)
        self._time = EventTime(watermarks, grace_h)
        self._expiry = Expiry(self.hours, self._time, ("1h",), rules)
        tables.join(self)
        self._hours: dict[int, HourSum] = {}
        self._days: dict[tuple[str, int], DaySum] = {}
        self._holding = False

    def open(self, time: Instant, watermark: int) -> tuple[Interval, ...]:
        """Return the intervals whose window of a time is open at a watermark."""
        return self._time.open(time, INTERVALS, watermark)

    def traded(
        self,
        event: AnyEvent,
        activity: Activity,
        earned: Earned,
        effects: Iterable[AnyEvent],
        intervals: tuple[Interval, ...],
    ) -> None:
        """Count an event of trading in the intervals that were open to it when it came."""
        if not intervals:
            return
        day, hour = self._sums(event, intervals)
        notional = activity.notional
        traded = day.traded.get(activity.mode)
        if traded is None:
            traded = day.traded[activity.mode] = [0, 0, 0, 0]
        traded[0] += earned.opens
        traded[1] += notional
        traded[2] += activity.pnl
        traded[3] += activity.fee
        if notional:
            executed = hour.traded.get(activity.mode)
            if executed is None:
                executed = hour.traded[activity.mode] = [0, 0]
            executed[0] += 1
            executed[1] += notional
        self._gain(effects, (day, hour))
        if activity.by_user:
            self._act(event, "trading", earned.progress, (day, hour))
        if not self._holding:
            self.write()

    def happened(
        self,
        event: AnyEvent,
        happening: Happening,
        progress: Progress,
        effects: Iterable[AnyEvent],
        intervals: tuple[Interval, ...],
    ) -> None:
        """Count an event other than of trading in the intervals that were open to it when it came."""
        if intervals:
            sums = self._sums(event, intervals)
            self._gain(effects, sums)
            if happening.streak is not None:
                self._act(event, happening.streak, progress, sums)
            if not self._holding:
                self.write()

    def _sums(self, event: AnyEvent, intervals: tuple[Interval, ...]) -> tuple[DaySum, HourSum]:
        user_id, time = event.partitionkey, event.time
        place = user_id, time // DAY_US
        day = self._days.get(place)
        if day is None:
            day = self._days[place] = DaySum(self.days.get(_day_key(*place)))
        if len(intervals) < len(INTERVALS):
            return day, HourSum()  # the event is too late for its hour, so nothing writes this sum
        number = time // HOUR_US
        hour = self._hours.get(number)
        if hour is None:
            hour = self._hours[number] = HourSum()
        return day, hour

    @staticmethod
    def _gain(effects: Iterable[AnyEvent], sums: tuple[DaySum, HourSum]) -> None:
        """Count the XP that an event earned, by source."""
        day, hour = sums
        for effect in effects:
            gained = effect.data
            if type(gained) is XPGained:
                source: XPSource = gained.source
                hour.xp[source] = hour.xp.get(source, 0) + gained.amount
                day.xp += gained.amount

    @staticmethod
    def _act(event: AnyEvent, kind: StreakKind, progress: Progress, sums: tuple[DaySum, HourSum]) -> None:
        """Note that the user was active. A day counts for a streak unless a later one did before."""
        day, hour = sums
        hour.users += day.be_active(1 << (event.time % DAY_US // HOUR_US))
        streak = progress.streaks.get(kind)
        if streak is not None and streak.last_day == event.time // DAY_US:
            day.streaks[kind] = streak.days

    def begin(self) -> None:
        """Start to add up events in memory."""
        self._holding = True

    def write(self) -> None:
        """Write the rows, and delete old hours."""
        for place, day in self._days.items():
            self.days.put(_day_key(*place), day.row())
        for number, hour in self._hours.items():
            key = window_key("1h", number * HOUR_US)
            before, part = self.hours.get(key), hour.row()
            self.hours.put(key, part if before is None else merged(before, part))
        if self._hours:
            self._expiry.act()
        self.drop()

    def drop(self) -> None:
        """Forget the sums of this batch."""
        self._hours = {}
        self._days = {}
        self._holding = False


def _day_key(user_id: str, day: int) -> str:
    return day_key(user_id, Instant(day * DAY_US).text()[: len("2024-09-20")])
