"""Track whether this member is fenced, so that it may not write.

Each component that detects this calls `Fencing.fence`: after a refused commit, at a trimmed position, or when the
broker has lost records.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

logger = logging.getLogger(__name__)


class Fencing:
    """The state "fenced" of one member."""

    def __init__(self) -> None:
        self._event = asyncio.Event()
        self._listeners: list[Callable[[], None]] = []

    @property
    def is_fenced(self) -> bool:
        """Return whether this member must rejoin its group before it writes again."""
        return self._event.is_set()

    def on_fenced(self, listener: Callable[[], None]) -> None:
        """Call `listener` each time this member is fenced."""
        self._listeners.append(listener)

    def fence(self, reason: str) -> None:
        """Declare this member fenced, so that it rejoins its group."""
        if not self.is_fenced:
            logger.info("fenced: %s", reason)
        self._event.set()
        for listener in self._listeners:
            listener()

    def clear(self) -> None:
        """Clear the state at the end of the fenced generation."""
        self._event.clear()
