"""Wait until the outbox may have new events: by LISTEN on PostgreSQL, by watching the write-ahead log of SQLite."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final, Protocol, cast

from sqlalchemy.ext.asyncio import AsyncEngine

from streams.connect.outbox.unit_of_work import WAKE_CHANNEL

POLL_S: Final = 0.015
"""How often the relay looks whether SQLite's file has changed: a system call, where a read would take 1 ms."""
SETTLED_NS: Final = 50_000_000
"""A file that changed so shortly ago counts as changed: a second change within the clock's tick leaves no trace."""
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
        yield _watching(Path(f"{engine.url.database}-wal"))
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


def _watching(log: Path) -> Wait:
    """Return a wait for changes of SQLite's write-ahead log: each commit of any process writes to it."""
    seen: tuple[int, int] | None = None

    def has_changed() -> bool:
        nonlocal seen
        try:
            status = log.stat()
        except OSError:  # the last connection removes it, and the next commit makes it again
            now = None
        else:
            now = status.st_mtime_ns, status.st_size
        before, seen = seen, now
        return now != before or (now is not None and time.time_ns() - now[0] < SETTLED_NS)

    async def wait() -> None:
        clock = asyncio.get_running_loop().time
        until = clock() + QUIET_S
        while clock() < until:
            await asyncio.sleep(POLL_S)
            if has_changed():
                return

    return wait
