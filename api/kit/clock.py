"""The wall clock. Only this module of the API reads it."""

from __future__ import annotations

import time

from streams.times import Instant

NANOSECONDS_A_MICROSECOND = 1_000


def now() -> Instant:
    """Return the present time."""
    return Instant(time.time_ns() // NANOSECONDS_A_MICROSECOND)
