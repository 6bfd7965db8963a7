"""Repeat calls to an unreachable broker. Log one warning when the wait begins, and one message when it ends."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from faust_redis.driver.limits import RETRY_FIRST_S, RETRY_MAX_S
from faust_redis.log import LogUnavailableError

T = TypeVar("T")
logger = logging.getLogger(__name__)


async def retry_while_unavailable(
    call: Callable[[], Awaitable[T]],
    work_name: str,
    *,
    patience_s: float | None = None,
    stop: Callable[[], bool] | None = None,
) -> T:
    """Repeat `call` while the broker is unavailable.

    Args:
        call: Returns a new awaitable for each attempt; must be safe to repeat.
        work_name: The name of the work in log messages, for example "commit".
        patience_s: Seconds after which to give up; None never gives up.
        stop: Returns true when to give up.

    Raises:
        LogUnavailableError: the error of the last attempt, when this function gives up.
    """
    clock = asyncio.get_running_loop().time
    began = clock()
    pause = RETRY_FIRST_S
    waiting = False
    while True:
        try:
            result = await call()
        except LogUnavailableError as exc:
            away_s = clock() - began
            if (patience_s is not None and away_s > patience_s) or (stop is not None and stop()):
                raise
            if not waiting:
                logger.warning("%s waits for the broker: %s", work_name, exc)
                waiting = True
            await asyncio.sleep(pause)
            pause = min(pause * 2, RETRY_MAX_S)
        else:
            if waiting:
                logger.info("%s continues: the broker is back after %.1f s", work_name, clock() - began)
            return result
