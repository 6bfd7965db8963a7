"""Retry work while Kafka or the log is away: pause, log the outage once, and continue."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from aiokafka.errors import KafkaError
from faust_redis.log import LogError, RolledBackError, SourceMovedError

RETRY_FIRST_S = 0.1
RETRY_MAX_S = 2.0
STEADY_S = 10.0  # the back-off begins again at its minimum after this long

logger = logging.getLogger(__name__)


async def retry_while_unavailable(work: Callable[[], Awaitable[None]], work_name: str, *, once: bool = False) -> None:
    """Run the work until it returns. Retry it with pauses while Kafka or the log is away or refuses."""
    clock = asyncio.get_running_loop().time
    pause = RETRY_FIRST_S
    while True:
        began = clock()
        try:
            await work()
        except (SourceMovedError, RolledBackError) as exc:
            logger.warning("%s was refused and retries later: %s", work_name, exc)
            pause = RETRY_MAX_S
        except (KafkaError, LogError, OSError) as exc:
            if clock() - began > STEADY_S or pause == RETRY_FIRST_S:
                logger.warning("%s waits: %s", work_name, exc)
                pause = RETRY_FIRST_S
        else:
            if once:
                return
        await asyncio.sleep(pause)
        pause = min(2 * pause, RETRY_MAX_S)
