"""How far the event time of a partition has come, as a row. A domain that judges lateness has one in each partition.

Trading has two: practice trades have the time of the clock, and fills that of their venue, which may be a replay.
"""

from __future__ import annotations

from typing import Final

import msgspec

from tables.row import Micros, Row

WATERMARK_KEY: Final = "watermark"
"""The key of a partition's watermark. A domain with one watermark has no other."""
PRACTICE_KEY: Final = "practice"
"""The key of the watermark of practice trades in `trading-watermark`; live ones have `WATERMARK_KEY`."""


class Leaving(Row, frozen=True, kw_only=True):
    """How far old rows have left a table of the partition.

    Attributes:
        since: The watermark when rows began to leave. What has not changed later stays: no archive may have it.
        to: What ended here or earlier, and after `since`, has left or is leaving.
        cursor: The key at which the present pass over the table continues; None between two passes.
    """

    since: Micros
    to: Micros
    cursor: str | None = None

    def lacks(self, end: int) -> bool:
        """Return whether rows of something that ended at a time, in microseconds, have left or are leaving."""
        return self.since < end <= self.to


class Watermark(Row, frozen=True, kw_only=True):
    """The highest event time that a partition has seen, and what that means for its windows.

    Attributes:
        highest: The watermark.
        late: How many events came too late for a board.
        dropped: How many events came too late for their window, by interval.
        kept_from: The partition has deleted the windows that begin before this time, by interval.
        leaving: How far old rows have left, by the short name of the table, such as `boards`.
    """

    highest: Micros = 0
    late: int = 0
    dropped: dict[str, int] = msgspec.field(default_factory=dict)
    kept_from: dict[str, Micros] = msgspec.field(default_factory=dict)
    leaving: dict[str, Leaving] = msgspec.field(default_factory=dict)
