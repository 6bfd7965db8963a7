"""Add events up to an hour, and to a day of a user. Pure."""

from __future__ import annotations

from typing import Final

from streams.events.gamification import StreakKind
from streams.events.trading import Mode
from tables.gamification import DailyTrading, UserDay
from tables.hours import Hour, HourlyTrading
from tables.windows import added


class HourSum:
    """What events add to an hour: active users, XP by source, and executions and volume by mode."""

    __slots__ = ("traded", "users", "xp")

    def __init__(self) -> None:
        self.users = 0
        self.xp: dict[str, int] = {}
        self.traded: dict[Mode, list[int]] = {}

    def row(self) -> Hour:
        """Return the sums as a row."""
        traded = {mode: HourlyTrading(executions=some[0], volume=some[1]) for mode, some in self.traded.items()}
        return Hour(users=self.users, xp=added({}, self.xp), **traded)


class DaySum:
    """What events add to a day of a user.

    Attributes:
        hours: The hours in which the user was active, as bits, with those from before.
        traded: By mode: trades that began, volume, pnl and fees.
    """

    __slots__ = ("before", "hours", "streaks", "traded", "xp")

    def __init__(self, before: UserDay | None) -> None:
        self.before = before or _NO_DAY
        self.hours = self.before.hours
        self.xp = 0
        self.streaks: dict[StreakKind, int] = {}
        self.traded: dict[Mode, list[int]] = {}

    def be_active(self, hour_bit: int) -> bool:
        """Note that the user was active in an hour. Return whether that is new."""
        new = not self.hours & hour_bit
        self.hours |= hour_bit
        return new

    def row(self) -> UserDay:
        """Return the row of the day: its former row plus the sums of this batch."""
        before = self.before
        return UserDay(
            xp=before.xp + self.xp,
            live=_traded(before.live, self.traded.get("live")),
            practice=_traded(before.practice, self.traded.get("practice")),
            streaks=dict(sorted({**before.streaks, **self.streaks}.items())) if self.streaks else before.streaks,
            hours=self.hours,
        )


def _traded(before: DailyTrading, added: list[int] | None) -> DailyTrading:
    if added is None:
        return before
    trades, volume, pnl, fees = added
    return DailyTrading(
        trades=before.trades + trades, volume=before.volume + volume, pnl=before.pnl + pnl, fees=before.fees + fees
    )


_NO_DAY: Final = UserDay()
