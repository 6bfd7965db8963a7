"""The wall clock of the API; the one place that reads it."""

from __future__ import annotations

import time

from streams.times import Instant

NANOSECONDS_A_MICROSECOND = 1_000


def now() -> Instant:
    """This instant."""
    return Instant(time.time_ns() // NANOSECONDS_A_MICROSECOND)
