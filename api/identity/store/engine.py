"""Engines for the two databases: PostgreSQL by asyncpg, and SQLite in one file.

Every transaction on SQLite begins with BEGIN IMMEDIATE, unless the option `READ_ONLY` says that it only reads. So a
transaction never fails in the middle because another one wrote after its first read.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import asyncpg
from sqlalchemy import Connection, event
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from api.identity.store.errors import StoreUnavailableError
from api.identity.store.reporting import CONNECT_ERRORS
from api.identity.store.urls import is_sqlite, postgres_dsn, sqlite_path
from streams.retry import first_line

CONNECTIONS_MAX: Final = 10
"""Connections of one process. The pool opens one when all others are busy."""
POOL_WAIT_S: Final = 5.0
CONNECTION_AGE_MAX_S: Final = 1_800
CONNECT_S: Final = 5.0
STATEMENT_MS: Final = 10_000
LOCK_MS: Final = 5_000
IDLE_IN_TRANSACTION_MS: Final = 30_000
BUSY_MS: Final = 5_000
"""How long a transaction on SQLite waits while another process writes."""

READ_ONLY: Final[Mapping[str, Any]] = {"astra_read_only": True}
"""The execution options of an engine whose transactions only read."""


def create_engine(url: str, *, time_outs: bool = True) -> AsyncEngine:
    """Return an engine that connects when it is used.

    Args:
        url: `postgresql://…` with the parameters of libpq, or `sqlite:///PATH`.
        time_outs: Limit statements and waits for locks; a migration may take longer.

    Raises:
        ValueError: the URL names neither database, or no file.
    """
    return _sqlite(sqlite_path(url)) if is_sqlite(url) else _postgres(postgres_dsn(url), time_outs=time_outs)


def _postgres(dsn: str, *, time_outs: bool) -> AsyncEngine:
    settings = {"application_name": "astratrade"}
    if time_outs:
        settings |= {
            "statement_timeout": str(STATEMENT_MS),
            "lock_timeout": str(LOCK_MS),
            "idle_in_transaction_session_timeout": str(IDLE_IN_TRANSACTION_MS),
        }

    async def connect(*_: object, **options: Any) -> Any:
        # asyncpg reads the URL itself, so that it accepts libpq's parameters: several hosts, sslmode, sslrootcert.
        try:
            return await asyncpg.connect(dsn, timeout=CONNECT_S, server_settings=settings, **options)
        except CONNECT_ERRORS as exc:
            why = f"cannot connect to the database: {first_line(exc)}; check ASTRA_DATABASE_URL"
            raise StoreUnavailableError(why) from exc

    return create_async_engine(
        "postgresql+asyncpg://",
        async_creator=connect,
        pool_size=CONNECTIONS_MAX,
        max_overflow=0,
        pool_timeout=POOL_WAIT_S,
        pool_pre_ping=True,  # a connection that died with a restarted server is replaced, and the request goes on
        pool_recycle=CONNECTION_AGE_MAX_S,
    )


def _sqlite(path: Path) -> AsyncEngine:
    engine = create_async_engine(
        f"sqlite+aiosqlite:///{path}",
        pool_size=CONNECTIONS_MAX,
        max_overflow=0,
        pool_timeout=POOL_WAIT_S,
    )
    event.listen(engine.sync_engine, "connect", _set_up)
    event.listen(engine.sync_engine, "begin", _begin)
    return engine


def _set_up(connection: Any, _record: object) -> None:
    """Leave transactions to `_begin`, and set what SQLite keeps for each connection."""
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in (f"busy_timeout = {BUSY_MS}", "journal_mode = WAL", "foreign_keys = ON", "synchronous = FULL"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin(connection: Connection) -> None:
    read_only = connection.get_execution_options().get("astra_read_only", False)
    connection.exec_driver_sql(f"PRAGMA query_only = {'ON' if read_only else 'OFF'}")
    connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")
