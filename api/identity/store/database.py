"""The identity store: units of work and reads on the database of accounts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, nullcontext
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from api.identity.store.engine import READ_ONLY, create_engine
from api.identity.store.files import is_missing_file
from api.identity.store.reporting import reported, unavailable
from api.identity.store.revisions import require, require_current
from api.identity.store.tables import OUTBOX
from api.kit.request_identity import current_traceparent
from streams.connect.outbox.tracing import record_created
from streams.connect.outbox.unit_of_work import UnitOfWork, unit_of_work
from streams.spans import Spans
from streams.times import Instant

POSTGRES_SNAPSHOT: Final[Mapping[str, Any]] = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}


class IdentityStore:
    """The database of one process. Open it before use.

    Attributes:
        url: Where it is. It may hold a password.
        engine: The engine; its transactions are for writing.
    """

    def __init__(self, url: str, spans: Spans | None = None) -> None:
        """Name a database; `spans` is where the process records its spans, None without traces."""
        self.url = url
        self._spans = spans
        self.engine: AsyncEngine = create_engine(url)
        on_sqlite = self.engine.dialect.name == "sqlite"
        self._reading = self.engine.execution_options(**READ_ONLY, **({} if on_sqlite else POSTGRES_SNAPSHOT))
        # SQLite has one writer. Tasks of this process queue here in order; other processes wait by polling.
        self._writer = asyncio.Lock() if on_sqlite else nullcontext()

    async def open(self) -> None:
        """Connect, and check the schema.

        Raises:
            SchemaError: the schema is older or newer than this program; the message names the command.
            StoreError: the database cannot be reached.
        """
        if is_missing_file(self.url):
            require(None)
        async with reported(), self._reading.connect() as connection:
            await require_current(connection)

    async def close(self) -> None:
        """Close all connections."""
        await self.engine.dispose()

    @asynccontextmanager
    async def work(self, now: Instant) -> AsyncIterator[UnitOfWork]:
        """Begin a write transaction. Commit rows and events together, or neither when the block raises.

        Raises:
            StoreUnavailableError: the database is away or busy. Nothing is written, unless the connection broke during
                the commit: then it may have been.
        """
        began_ns = 0 if self._spans is None else self._spans.now_ns()
        async with unavailable(), self._writer, unit_of_work(self.engine, OUTBOX, now) as work:
            yield work
        if self._spans is not None:
            record_created(self._spans, current_traceparent(), work.emitted, began_ns)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """Begin a transaction that only reads. All its statements see the same commits.

        Raises:
            StoreUnavailableError: the database is away or busy.
        """
        async with unavailable(), self._reading.begin() as connection:
            yield connection
