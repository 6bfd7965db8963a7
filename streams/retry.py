"""Retry work while a broker or a database is away: pause, log the outage once, and continue."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Final

RETRY_FIRST_S: Final = 0.1
RETRY_MAX_S: Final = 2.0
STEADY_S: Final = 10.0
"""Work that went well for so long begins its back-off anew."""

Errors = tuple[type[Exception], ...]

logger = logging.getLogger(__name__)


async def retry_through_outages(
    work: Callable[[], Awaitable[None]], name: str, unavailable: Errors, *, refused: Errors = ()
) -> None:
    """Run work until it returns.

    Args:
        work: Returns a new awaitable for each attempt; it must be safe to repeat.
        name: The name of the work in log messages.
        unavailable: The errors of work that is repeated. Pauses double, and an outage is logged once.
        refused: The errors of work that comes too early or from a second process. Each is logged, and the longest
            pause follows.
    """
    pause, outages = RETRY_FIRST_S, 0
    while True:
        began = time.monotonic()
        try:
            return await work()
        except refused as exc:
            logger.warning("%s was refused and retries later: %s", name, first_line(exc))
            pause = RETRY_MAX_S
        except unavailable as exc:
            if time.monotonic() - began > STEADY_S:
                pause, outages = RETRY_FIRST_S, 0
            if not outages:
                logger.warning("%s waits: %s", name, first_line(exc))
            outages += 1
        await asyncio.sleep(pause)
        pause = min(2 * pause, RETRY_MAX_S)


def first_line(error: BaseException) -> str:
    """Return the first line of an error's text, or the name of its class when it has none."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
