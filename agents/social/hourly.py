"""The hourly limit on interactions, in any hour of event time. Pure functions."""

from __future__ import annotations

from typing import NamedTuple

from streams.times import HOUR_US


class Slot(NamedTuple):
    """A place within the limit.

    Attributes:
        times: The times to keep, oldest first.
        free_at: When the limit admits the next interaction; None when it admitted this one.
    """

    times: tuple[int, ...]
    free_at: int | None = None


def take(times: tuple[int, ...], at: int, per_hour_max: int) -> Slot:
    """Count an interaction, unless an hour with it would hold more than the limit.

    Later interactions count, too, because the commands of a user may come out of the order of their times. One that
    comes more than an hour behind the newest counts as an hour behind it.
    """
    newest = max((at, *times[-1:]))
    at = max(at, newest - HOUR_US)
    kept = tuple(time for time in times if time > newest - 2 * HOUR_US)
    counted = [time for time in kept if time > at - HOUR_US]
    if len(counted) >= per_hour_max:
        return Slot(kept, counted[-per_hour_max] + HOUR_US)
    return Slot(tuple(sorted((*kept, at))))


def give_back(times: tuple[int, ...], at: int) -> tuple[int, ...]:
    """Return the times without one interaction at a time, which was refused."""
    if at not in times:
        return times
    index = times.index(at)
    return (*times[:index], *times[index + 1 :])
