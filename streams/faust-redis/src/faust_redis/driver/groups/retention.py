"""Trim all topics at an interval, on the leader of a group. The server decides which records to remove."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Protocol

from faust_redis.driver.broker import Trims
from faust_redis.log import LogError, LogUnavailableError
from faust_redis.log.trimming import TRIM_INTERVAL_S, trim_all

logger = logging.getLogger(__name__)


class Leader(Protocol):
    """The group membership, as trimming needs it."""

    @property
    def leads(self) -> bool:
        """Return whether this member leads its group."""


class Retention:
    """Removes records that are older than the retention and that no reader needs."""

    def __init__(self, broker: Trims, leader: Leader, is_reply_topic: Callable[[str], bool]) -> None:
        self._broker = broker
        self._leader = leader
        self._is_reply_topic = is_reply_topic

    async def run(self) -> None:
        """Trim at an interval, until the task is cancelled."""
        while True:
            await asyncio.sleep(TRIM_INTERVAL_S)
            await self.trim()

    async def trim(self) -> None:
        """Trim once if this member leads. When the log cannot be trimmed, wait for the next interval."""
        if not self._leader.leads:
            return
        try:
            removed = await trim_all(self._broker, self._is_reply_topic)
        except LogUnavailableError:
            return
        except LogError as exc:
            logger.warning("records past their retention stay for now: %s", exc)
            return
        if removed:
            logger.info("trimmed %d records that are past their retention and needed by no reader", removed)
