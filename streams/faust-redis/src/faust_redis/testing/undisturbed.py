"""Keep a simulated world apart from the process that plays it: no garbage collector, and no log in the output."""

from __future__ import annotations

import gc
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class _ErrorLines(logging.Handler):
    """Report what the library and the app log as errors."""

    def __init__(self, say: Callable[[str], None]) -> None:
        super().__init__(logging.ERROR)
        self._say = say

    def emit(self, record: logging.LogRecord) -> None:
        """Report a record's first line."""
        self._say("logged: " + record.getMessage().partition("\n")[0])


@contextmanager
def undisturbed(say: Callable[[str], None]) -> Iterator[None]:
    """Switch off the garbage collector, whose timing would decide how a seed plays, and report errors instead of logs.

    Args:
        say: Gets the first line of each logged error.
    """
    was_on, level, handlers = gc.isenabled(), logging.root.manager.disable, logging.root.handlers
    gc.disable()
    logging.disable(logging.WARNING)
    logging.root.handlers = [_ErrorLines(say)]
    try:
        yield
    finally:
        logging.root.handlers = handlers
        logging.disable(level)
        if was_on:
            gc.enable()
