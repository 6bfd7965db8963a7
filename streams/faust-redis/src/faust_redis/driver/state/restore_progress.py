"""Log the progress of table recovery every few seconds, and its duration at the end."""

from __future__ import annotations

import logging
import time

SAY_EVERY_S = 5.0
"""Time between two progress messages."""

logger = logging.getLogger(__name__)


class RestoreProgress:
    """The number of rows and records that table recovery has read."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._began = self._said = time.monotonic()
        self.done = 0

    def add(self, count: int) -> None:
        """Add to the number of rows or records."""
        self.done += count
        now = time.monotonic()
        if now - self._said >= SAY_EVERY_S:
            self._said = now
            logger.info("%s: %d rows so far", self._what, self.done)

    def end(self) -> None:
        """Log the total and the duration, unless recovery read nothing."""
        if self.done:
            logger.info("%s: %d rows in %.2f s", self._what, self.done, time.monotonic() - self._began)
