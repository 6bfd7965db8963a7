"""Keep a relay running: retry while database or broker are away, remove old events, and observe the backlog."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final

import asyncpg
from faust_redis.log import LogError
from sqlalchemy.exc import SQLAlchemyError

from streams.connect.outbox.relay import Relay
from streams.connect.outbox.source import REMOVE_ROWS_MAX, Backlog, OutboxSource
from streams.retry import first_line, retry_through_outages
from streams.times import DAY_US, Instant

REMOVE_S: Final = 30.0
"""Pause after the old events are removed."""
REMOVE_PAUSE_S: Final = 0.05
"""Pause between two deletions, so that writers of the database come in between."""
OBSERVE_S: Final = 1.0
WORKS_S: Final = 3.0
"""An idle relay reaches database and log more often than this."""

UNAVAILABLE_ERRORS: Final = (
    LogError,
    SQLAlchemyError,
    OSError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)
"""The errors of work while database or broker are away. SQLAlchemy wraps asyncpg's errors, but not when it connects."""


class RelayService:
    """One relay and what it needs around it.

    Attributes:
        relay: The relay.
        backlog: The events that wait to be published, as last seen.
        removed: How many old events the relay has removed since its start.
        trouble: Why the relay could not publish when it last failed.
    """

    def __init__(self, relay: Relay, source: OutboxSource, retention_days: int, now: Callable[[], Instant]) -> None:
        self.relay = relay
        self.backlog = Backlog(0, None)
        self.trouble = "it has not read the outbox yet"
        self.removed = 0
        self._source = source
        self._retention_us = retention_days * DAY_US
        self._now = now

    async def run(self) -> None:
        """Publish until cancelled.

        Raises:
            OutboxError: database and log do not belong together.
        """
        parts = [
            asyncio.create_task(retry_through_outages(self._publish, "publishing", UNAVAILABLE_ERRORS)),
            asyncio.create_task(retry_through_outages(self._remove_old, "removing old events", UNAVAILABLE_ERRORS)),
            asyncio.create_task(retry_through_outages(self._observe, "reading the backlog", UNAVAILABLE_ERRORS)),
        ]
        try:
            await asyncio.gather(*parts)
        finally:
            for part in parts:
                part.cancel()
            await asyncio.gather(*parts, return_exceptions=True)

    @property
    def is_publishing(self) -> bool:
        """Return whether the relay has reached database and log within the last seconds."""
        return time.monotonic() - self.relay.counts.worked_s < WORKS_S

    def behind_s(self) -> float:
        """Return how long the oldest event that is not published has waited."""
        oldest_us = self.backlog.oldest_us
        return 0.0 if oldest_us is None else max(0, self._now() - oldest_us) / 1e6

    async def _publish(self) -> None:
        try:
            await self.relay.run()
        except UNAVAILABLE_ERRORS as exc:
            self.trouble = first_line(exc)
            raise

    async def _remove_old(self) -> None:
        while True:
            before_us = self._now() - self._retention_us
            while True:
                removed = await self._source.remove(below=self.relay.counts.position, added_before_us=before_us)
                self.removed += removed
                if removed < REMOVE_ROWS_MAX:
                    break
                await asyncio.sleep(REMOVE_PAUSE_S)
            await asyncio.sleep(REMOVE_S)

    async def _observe(self) -> None:
        while True:
            self.backlog = await self._source.backlog(self.relay.counts.position)
            await asyncio.sleep(OBSERVE_S)
