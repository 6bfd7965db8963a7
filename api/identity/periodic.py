"""Repeat work on the store of accounts while the process serves."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from logging import Logger
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from api.identity.store.errors import StoreError
from api.kit.background import uninterrupted
from streams.retry import first_line


@dataclass(frozen=True, slots=True, kw_only=True)
class Periodic:
    """Work that is done again and again.

    Attributes:
        work: Does it once.
        pause_s: Returns the seconds until the next time.
        failed: What the log says when the work begins to fail; the reason follows.
        again: What the log says when the work succeeds again.
        logger: Where it says so.
    """

    work: Callable[[], Coroutine[Any, Any, None]]
    pause_s: Callable[[], float]
    failed: str
    again: str
    logger: Logger

    async def run(self) -> None:
        """Pause, work, and so on, until cancelled. An outage of the database is logged once."""
        away = False
        while True:
            await asyncio.sleep(self.pause_s())
            try:
                await uninterrupted(self.work())
            except (SQLAlchemyError, StoreError, OSError) as exc:
                if not away:
                    self.logger.warning("%s: %s", self.failed, first_line(exc))
                away = True
                continue
            if away:
                self.logger.warning("%s", self.again)
            away = False
