"""Which fills count: the first report of a fill, and none that is so old that it may be a forgotten repetition.

Decision 0015: venue, user and fill id name a fill. It is remembered for 30 days of event time, by user and venue.
"""

from __future__ import annotations

from typing import Final

REMEMBERED_US: Final = 30 * 86_400_000_000


class FillIds:
    """The fills that were reported."""

    def __init__(self) -> None:
        self._times: dict[tuple[str, str, str], int] = {}
        self._newest: dict[tuple[str, str], int] = {}

    def is_new(self, venue: str, user: str, fill: str, at: int) -> bool:
        """Return whether a fill counts, and remember it if so."""
        newest = self._newest.get((venue, user), at)
        known = self._times.get((venue, user, fill))
        if known is not None and known >= newest - REMEMBERED_US:
            return False
        if at < newest - REMEMBERED_US:
            return False
        self._times[venue, user, fill] = at
        self._newest[venue, user] = max(newest, at)
        return True
