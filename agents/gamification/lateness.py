"""Judge late events by the partition's watermark, never by the clock. Pure functions."""

from __future__ import annotations

from typing import NamedTuple

from msgspec.structs import replace

from agents.gamification.policy import BoardRules
from streams.times import DAY_US, HOUR_US, Instant
from tables.boards import Period, Periods, periods_of
from tables.watermark import Watermark


class Judged(NamedTuple):
    """The periods in which an event counts, the periods for which it is too late, and the watermark after the event."""

    open: Periods
    missed: tuple[Period, ...]
    watermark: Watermark


def judge(before: Watermark, time: Instant, rules: BoardRules) -> Judged:
    """Sort an event's periods into open ones and sealed ones, which ended the grace or more before the watermark."""
    highest = max(before.highest, int(time))
    periods = periods_of(time)
    # The day is the first period to be sealed.
    if highest < periods.midnight + DAY_US + rules.late_grace_h * HOUR_US:
        return Judged(periods, (), before if highest == before.highest else replace(before, highest=highest))
    missed = tuple(period for period in periods.listed if period.sealed(highest, rules.late_grace_h))
    after = replace(before, highest=highest, late=before.late + bool(missed))
    return Judged(periods.without(missed), missed, after)
