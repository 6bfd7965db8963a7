"""Count what table recovery has read and still has to read. Log that every few seconds, and the duration at the end."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping

from faust.types import TP

LOG_EVERY_S = 5.0
"""Time between two progress messages."""

logger = logging.getLogger(__name__)


class RestoreProgress:
    """The rows and records that table recovery has read, and how many there are in all.

    Attributes:
        done: How many rows and records have been read.
    """

    def __init__(self, work_name: str) -> None:
        self._work_name = work_name
        self._began = self._logged_s = time.monotonic()
        self._remaining: dict[TP, int] | None = None
        self.done = 0

    @property
    def total(self) -> int | None:
        """Return how many rows and records there are in all; None while that is not known.

        A partition counts with its expected number until it is finished, and then with the number that was read.
        """
        return None if self._remaining is None else self.done + sum(self._remaining.values())

    def expect(self, records: Mapping[TP, int]) -> None:
        """Note how many records each partition is expected to have."""
        self._remaining = dict(records)

    def add(self, tp: TP, count: int) -> None:
        """Add rows or records that were read from a partition."""
        self.done += count
        if self._remaining is not None and tp in self._remaining:
            self._remaining[tp] = max(0, self._remaining[tp] - count)
        now = time.monotonic()
        if now - self._logged_s >= LOG_EVERY_S:
            self._logged_s = now
            logger.info("%s: %d of %s rows so far", self._work_name, self.done, self.total)

    def finish(self, tp: TP) -> None:
        """Note that a partition has nothing more to read."""
        if self._remaining is not None:
            self._remaining.pop(tp, None)

    def end(self) -> None:
        """Log the total and the duration, unless recovery read nothing."""
        if self.done:
            logger.info("%s: %d rows in %.2f s", self._work_name, self.done, time.monotonic() - self._began)
