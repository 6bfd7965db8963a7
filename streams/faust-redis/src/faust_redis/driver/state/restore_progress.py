"""Log the progress of restoring tables every few seconds, and how long it took."""

from __future__ import annotations

import logging
import time

SAY_EVERY_S = 5.0
"""How often progress is logged."""

logger = logging.getLogger(__name__)


class RestoreProgress:
    """Counts restored rows and records."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._began = self._said = time.monotonic()
        self.done = 0

    def add(self, count: int) -> None:
        """Count rows or records."""
        self.done += count
        now = time.monotonic()
        if now - self._said >= SAY_EVERY_S:
            self._said = now
            logger.info("%s: %d rows so far", self._what, self.done)

    def end(self) -> None:
        """Log the result, unless nothing was read."""
        if self.done:
            logger.info("%s: %d rows in %.2f s", self._what, self.done, time.monotonic() - self._began)
