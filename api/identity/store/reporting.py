"""Turn the errors of a database library into one line for the person who runs a command."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.exc import DBAPIError

from api.identity.store.errors import StoreError


@asynccontextmanager
async def reported() -> AsyncIterator[None]:
    """Turn the error of a database that cannot be used into a StoreError with one line.

    Raises:
        StoreError: the database cannot be reached, or refuses the connection or the statement.
    """
    try:
        yield
    except DBAPIError as exc:
        raise StoreError(f"the database refuses: {_first_line(exc.orig or exc)}") from exc
    except OSError as exc:
        raise StoreError(f"cannot reach the database: {_first_line(exc)}; check ASTRA_DATABASE_URL") from exc


def _first_line(exc: BaseException) -> str:
    return (str(exc).strip().splitlines() or [type(exc).__name__])[0]
