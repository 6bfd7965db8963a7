"""Run a worker's group membership as a service, beside the consumer that depends on it."""

from __future__ import annotations

import logging
from typing import Any

from mode import Service, get_logger

from faust_redis.driver.faust_api.composition import Driver
from faust_redis.log import ResizedError

logger = get_logger(__name__)


def _without_traceback(line: logging.LogRecord) -> bool:
    """Log the end of an app whose topics were resized in one line, for it is no fault: the app starts again."""
    error = line.exc_info[1] if line.exc_info else None
    if isinstance(error, ResizedError):
        line.levelno, line.levelname, line.exc_info = logging.WARNING, "WARNING", None
        line.msg, line.args = "%s; this app ends, and is to start again", (error,)
    return True


logger.addFilter(_without_traceback)


class GroupMember(Service):
    """Runs a worker's membership in its group, and the work of a leader for the log, as a service of the consumer."""

    logger = logger

    def __init__(self, driver: Driver, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._driver = driver

    async def on_stop(self) -> None:
        """Leave the group, so that other members take over at once."""
        await self._driver.membership.leave()

    @Service.task
    async def _take_part(self) -> None:
        await self._driver.membership.run()

    @Service.task
    async def _watch(self) -> None:
        await self._driver.membership.watch()

    @Service.task
    async def _trim(self) -> None:
        await self._driver.retention.run()

    @Service.task
    async def _forward(self) -> None:
        await self._driver.forwarding.run()
