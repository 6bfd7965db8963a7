"""Months of the calendar in UTC. Pure functions."""

from __future__ import annotations

import calendar
from collections.abc import Mapping
from typing import Final

from streams.events.financial import Cycle
from streams.times import DAY_US, Instant

MONTHS: Final[Mapping[Cycle, int]] = {"month": 1, "quarter": 3, "year": 12}
"""How many months a period of each cycle lasts."""
MONTHS_A_YEAR: Final = 12


def months_after(start: int, months: int) -> Instant:
    """Return the time that is so many months after a start: the same day and time, or the last day of a shorter month.

    Count from the first start, not from the last period: so the 31st is followed by the 28th and then by the 31st.
    """
    moment = Instant(start).moment()
    years, month = divmod(moment.month - 1 + months, MONTHS_A_YEAR)
    year, month = moment.year + years, month + 1
    day = min(moment.day, calendar.monthrange(year, month)[1])
    return Instant.of(moment.replace(year=year, month=month, day=day))


def days_in(start: int, end: int) -> int:
    """Return the whole days of a period, which begins and ends at the same time of day."""
    return (end - start) // DAY_US


def days_left(now: int, end: int) -> int:
    """Return the days that are left of a period. A day that has begun counts whole."""
    return -((now - end) // DAY_US)
