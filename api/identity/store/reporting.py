"""Turn the errors of the database libraries into errors of the store, with one line for people."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import asyncpg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnectionError

from api.identity.store.errors import StoreError, StoreUnavailableError
from streams.retry import first_line

RETRIED_STATES: Final = ("08", "40", "53", "55", "57", "58")
"""Classes of PostgreSQL's errors that another attempt may not meet: connection, rollback, resources, locks, system."""
SQLITE_BUSY: Final = "database is locked"
CONNECT_ERRORS: Final = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError)
"""What asyncpg raises when it cannot open a connection."""


@asynccontextmanager
async def unavailable() -> AsyncIterator[None]:
    """Turn an error that says that the database has no time, or is gone, into a StoreUnavailableError.

    Raises:
        StoreUnavailableError: another attempt may succeed. Other errors of a statement stay as they are.
    """
    try:
        yield
    except NoConnectionError as exc:
        raise StoreUnavailableError("all connections to the database are busy") from exc
    except DBAPIError as exc:
        if _may_pass(exc):
            raise StoreUnavailableError(f"the database is not available: {first_line(exc.orig or exc)}") from exc
        raise


@asynccontextmanager
async def reported() -> AsyncIterator[None]:
    """Turn any error of a database into a StoreError with one line, for commands.

    Raises:
        StoreError: the database cannot be reached, or refuses the connection or the statement.
    """
    try:
        async with unavailable():
            yield
    except DBAPIError as exc:
        raise StoreError(f"the database refuses: {first_line(exc.orig or exc)}") from exc


def _may_pass(exc: DBAPIError) -> bool:
    state = getattr(exc.orig, "sqlstate", None) or ""
    return exc.connection_invalidated or state.startswith(RETRIED_STATES) or SQLITE_BUSY in str(exc.orig)
