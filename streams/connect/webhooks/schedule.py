"""When a failed delivery is tried again, and when it is given up."""

from __future__ import annotations

from typing import Final

from streams.times import SECOND_US

PAUSES_S: Final = (5, 30, 120, 600, 3_600, 6 * 3_600, 12 * 3_600, 24 * 3_600)
"""The pause after each failed attempt. A delivery that fails once more is given up, after some two days."""


def next_attempt_us(attempts: int, now_us: int) -> int | None:
    """Return when to try a delivery again that has failed so many times; None to give it up."""
    return now_us + PAUSES_S[attempts - 1] * SECOND_US if attempts <= len(PAUSES_S) else None
