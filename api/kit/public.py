"""What the public sees of facts about users: times cut to the hour, so that they do not name a fill on the tape."""

from __future__ import annotations

from typing import Final

from streams.times import HOUR_US, Instant

_TO_THE_HOUR: Final = len("2024-09-20T08")


def cut_to_hour(time: str) -> str:
    """Return an RFC 3339 time in UTC, cut to the hour."""
    return f"{time[:_TO_THE_HOUR]}:00:00Z"


def hour_of(time: Instant) -> Instant:
    """Return a time cut to the hour."""
    return Instant(time - time % HOUR_US)
