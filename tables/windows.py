"""Windows of event time: their intervals, and the keys of their rows. Pure functions.

A key begins with the interval and the time at which the window begins, so a scan finds the oldest windows first.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, get_args

from streams.times import DAY_US, HOUR_US, MINUTE_US, Instant
from tables.keys import SEPARATOR

Interval = Literal["1m", "5m", "1h", "1d"]
INTERVALS: Final[tuple[Interval, ...]] = get_args(Interval)
LENGTHS_US: Final[Mapping[Interval, int]] = {"1m": MINUTE_US, "5m": 5 * MINUTE_US, "1h": HOUR_US, "1d": DAY_US}


def begin_of(time: int, interval: Interval) -> int:
    """Return when the window of a time begins. Both are microseconds since 1970; windows are aligned to UTC."""
    length = LENGTHS_US[interval]
    return time // length * length


def window_key(interval: Interval, begin: int, *names: str) -> str:
    """Return the key of a window, such as ``1h|2024-09-20T12:00:00Z|BTC|live``."""
    return SEPARATOR.join((interval, Instant(begin).text(), *names))


def added(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    """Return the sums of amounts by name, in the order of the names: equal sums are equal bytes in a row."""
    return {name: one.get(name, 0) + other.get(name, 0) for name in sorted(one.keys() | other.keys())}


def kept_from(watermark: int, interval: Interval, kept_us: int) -> int:
    """Return the beginning of the oldest window that is kept: the windows before it ended `kept_us` or more before."""
    return begin_of(max(0, watermark - kept_us), interval)
