"""The range of windows that a request asks for: the last ones before a time, and none before another."""

from __future__ import annotations

from typing import Annotated, NamedTuple

from fastapi import Depends, Query

from streams.times import Instant
from tables.windows import LENGTHS_US, Interval, begin_of

LIMIT_DEFAULT = 100
LIMIT_MAX = 1_000


class Asked(NamedTuple):
    """The range of a request: from a time on, and before another; at most `limit` windows, the newest ones."""

    since: Instant | None
    before: Instant | None
    limit: int

    def begins(self, interval: Interval, newest: int) -> range:
        """Return when the windows of the range begin. `newest` is the time to which it extends by default."""
        length = LENGTHS_US[interval]
        last = begin_of(newest if self.before is None else max(0, self.before - 1), interval)
        first = max(last - (self.limit - 1) * length, 0)
        if self.since is not None:
            first = max(first, begin_of(self.since, interval))
        return range(first, last + 1, length)


async def asked_range(
    since: Annotated[
        Instant | None, Query(alias="from", description="no window before the one that has this time")
    ] = None,
    before: Annotated[
        Instant | None,
        Query(alias="to", description="only windows that begin before this time; by default the newest window is last"),
    ] = None,
    limit: Annotated[
        int, Query(ge=1, le=LIMIT_MAX, description="how many windows the answer spans at most, empty ones included")
    ] = LIMIT_DEFAULT,
) -> Asked:
    """Return the range that a request asks for."""
    return Asked(since, before, limit)


AskedRange = Annotated[Asked, Depends(asked_range)]
