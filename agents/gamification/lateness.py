"""Judge late events by the partition's watermark, never by the clock. Pure functions."""

from __future__ import annotations

from typing import NamedTuple

from agents.gamification.policy import BoardRules
from streams.times import Instant
from tables.boards import Period, periods_of
from tables.gamification import Watermark


class Judged(NamedTuple):
    """The periods in which an event counts, the periods for which it is too late, and the watermark after the event."""

    open: tuple[Period, ...]
    missed: tuple[Period, ...]
    watermark: Watermark


def judge(watermark: Watermark | None, time: Instant, rules: BoardRules) -> Judged:
    """Sort an event's periods into open ones and sealed ones, which ended the grace or more before the watermark."""
    before = watermark or Watermark()
    highest = max(before.highest, time)
    periods = periods_of(time)
    if not periods[0].sealed(highest, rules.late_grace_h):  # the day is the first period to be sealed
        return Judged(periods, (), Watermark(highest=highest, late=before.late))
    missed = tuple(period for period in periods if period.sealed(highest, rules.late_grace_h))
    counted = tuple(period for period in periods if period not in missed)
    return Judged(counted, missed, Watermark(highest=highest, late=before.late + bool(missed)))
