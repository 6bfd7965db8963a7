"""Wait until the outbox may have new events: by LISTEN on PostgreSQL, by short polls on other databases."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Final, Protocol, cast

from sqlalchemy.ext.asyncio import AsyncEngine

from streams.connect.outbox.unit_of_work import WAKE_CHANNEL

POLL_S: Final = 0.015
"""Pause between two reads of a database that does not notify."""
QUIET_S: Final = 0.5
"""The longest pause of a relay that waits for a notification. It bounds how long a lost one or a flushed log counts."""


class Wait(Protocol):
    """Waits for new events, or for so long."""

    def __call__(self) -> Awaitable[None]:
        """Return when there may be new events, or when it is time to look anyhow."""


class _Listening(Protocol):
    """The part of an asyncpg connection that listening needs."""

    def add_listener(self, channel: str, callback: Callable[..., None]) -> Awaitable[None]: ...

    def add_termination_listener(self, callback: Callable[..., None]) -> None: ...


@asynccontextmanager
async def waiting(engine: AsyncEngine) -> AsyncIterator[Wait]:
    """Yield the function that waits for new events of a database, while the block runs."""
    if engine.dialect.name != "postgresql":
        yield lambda: asyncio.sleep(POLL_S)
        return
    woken = asyncio.Event()
    lost: list[str] = []

    def wake(*_: Any) -> None:
        woken.set()

    def lose(*_: Any) -> None:
        lost.append("PostgreSQL closed the connection that listens for notifications")
        woken.set()

    async def wait() -> None:
        if lost:
            raise ConnectionError(lost[0])
        try:
            async with asyncio.timeout(QUIET_S):
                await woken.wait()
        except TimeoutError:
            return
        woken.clear()

    async with engine.connect() as connection:
        listening = cast("_Listening", (await connection.get_raw_connection()).driver_connection)
        listening.add_termination_listener(lose)
        try:
            await listening.add_listener(WAKE_CHANNEL, wake)
            yield wait
        finally:
            await connection.invalidate()  # a connection that listens must not return to the pool
