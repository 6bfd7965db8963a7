"""The revisions of the schema, and the check of a database against the newest one.

This module does not need Alembic, which is slow to load.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, inspect, text
from sqlalchemy.ext.asyncio import AsyncConnection

from api.identity.store.engine import READ_ONLY, create_engine
from api.identity.store.errors import SchemaError
from api.identity.store.files import is_missing_file
from api.identity.store.reporting import reported

REVISIONS: Final = ("0001",)
"""All revisions, the oldest first. `migrations/versions` has a file for each; a test compares the two."""
HEAD: Final = REVISIONS[-1]
"""The newest revision, for which this program was built."""
UPGRADE_COMMAND: Final = "astratrade database upgrade"
VERSION_TABLE: Final = "alembic_version"


async def current(url: str) -> str | None:
    """Return the revision of a database's schema; None for a database without one.

    Raises:
        StoreError: the database cannot be used.
    """
    if is_missing_file(url):
        return None
    engine = create_engine(url)
    try:
        async with reported(), engine.execution_options(**READ_ONLY).connect() as connection:
            return await connection.run_sync(_revision)
    finally:
        await engine.dispose()


async def check_schema(url: str) -> None:
    """Refuse a database whose schema is not the newest one.

    Raises:
        SchemaError: the message names the command that helps.
        StoreError: the database cannot be used.
    """
    require(await current(url))


async def require_current(connection: AsyncConnection) -> None:
    """Do the same on an open connection."""
    require(await connection.run_sync(_revision))


def require(found: str | None) -> None:
    """Refuse every revision but the newest one. `found` is None for a database without tables."""
    if found == HEAD:
        return
    if found is None:
        raise SchemaError(f"the database has no tables yet; run `{UPGRADE_COMMAND}`")
    if found in REVISIONS:
        raise SchemaError(f"the database is at revision {found}, this program needs {HEAD}; run `{UPGRADE_COMMAND}`")
    raise SchemaError(f"the database is at revision {found}, which this program does not know; install a newer program")


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    return connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar_one_or_none()  # noqa: S608
