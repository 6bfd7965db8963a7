"""The range of windows that a request asks for: the last ones before a time, and none before another."""

from __future__ import annotations

from typing import Annotated, NamedTuple

from fastapi import Depends, Query

from streams.times import Instant
from tables.windows import LENGTHS_US, Interval, begin_of

LIMIT_DEFAULT = 100
LIMIT_MAX = 1_000
LAST_DEFAULT = 50
LAST_MAX = 500


class Asked(NamedTuple):
    """The range of a request: from a time on, and before another; at most `limit` windows, the newest ones."""

    begin: Instant | None
    end: Instant | None
    limit: int

    def begins(self, interval: Interval, newest: int) -> range:
        """Return when the windows of the range begin. `newest` is the time to which it extends by default."""
        length = LENGTHS_US[interval]
        last = begin_of(newest if self.end is None else max(0, self.end - 1), interval)
        first = max(last - (self.limit - 1) * length, 0)
        if self.begin is not None:
            first = max(first, begin_of(self.begin, interval))
        return range(first, last + 1, length)


async def asked_range(
    begin: Annotated[Instant | None, Query(description="no window before the one that has this time")] = None,
    end: Annotated[
        Instant | None,
        Query(description="only windows that begin before this time; by default the newest window is last"),
    ] = None,
    limit: Annotated[
        int, Query(ge=1, le=LIMIT_MAX, description="how many windows the answer spans at most, empty ones included")
    ] = LIMIT_DEFAULT,
) -> Asked:
    """Return the range that a request asks for."""
    return Asked(begin, end, limit)


LastWindows = Annotated[int, Query(ge=1, le=LAST_MAX, description="how many windows the snapshot spans at most")]
AskedRange = Annotated[Asked, Depends(asked_range)]
