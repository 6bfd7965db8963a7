"""Whether this member may still write: one place to declare it fenced, one place to ask.

Every component that learns it (a refused commit, a trimmed position, a broker that went back) calls `Fencing.fence`.
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
        """Whether this member must rejoin its group before it writes again."""
        return self._event.is_set()

    def on_fenced(self, listener: Callable[[], None]) -> None:
        """Call `listener` each time this member is fenced."""
        self._listeners.append(listener)

    def fence(self, reason: str) -> None:
        """Declare that this member's right to write is over: it rejoins its group."""
        if not self.is_fenced:
            logger.info("fenced: %s", reason)
        self._event.set()
        for listener in self._listeners:
            listener()

    def clear(self) -> None:
        """Forget it: the generation it was about has ended."""
        self._event.clear()
