"""Migrations of the identity store: upgrade, downgrade, and the check of the schema when a process starts.

Alembic runs each command in one transaction. Commands that run at the same time wait for each other.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncConnection

from api.identity.store.engine import READ_ONLY, create_engine
from api.identity.store.errors import SchemaError, StoreError
from api.identity.store.files import create_private_file, is_missing_file
from api.identity.store.reporting import reported

HEAD: Final = "head"
BASE: Final = "base"
UPGRADE_COMMAND: Final = "astratrade database upgrade"
_LOCK: Final = 0x6173747261  # "astra": the key of the advisory lock of migrations on PostgreSQL


async def migrate(url: str, revision: str = HEAD) -> None:
    """Upgrade the schema to a revision.

    Raises:
        StoreError: no such revision, or the database cannot be used.
    """
    await _run(url, command.upgrade, revision)


async def downgrade(url: str, revision: str) -> None:
    """Downgrade the schema to an older revision; `base` removes all tables.

    Raises:
        StoreError: no such revision, or the database cannot be used.
    """
    await _run(url, command.downgrade, revision)


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


def head() -> str:
    """Return the newest revision, for which this program was built."""
    return revisions()[-1]


def revisions() -> list[str]:
    """Return all revisions, the oldest first."""
    return [script.revision for script in _scripts().walk_revisions()][::-1]


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
    """Refuse a revision that is not the newest one."""
    if found == head():
        return
    if found is None:
        raise SchemaError(f"the database has no tables yet; run `{UPGRADE_COMMAND}`")
    if found in revisions():
        raise SchemaError(f"the database is at revision {found}, this program needs {head()}; run `{UPGRADE_COMMAND}`")
    raise SchemaError(f"the database is at revision {found}, which this program does not know; install a newer program")


async def _run(url: str, change: Callable[[Config, str], None], revision: str) -> None:
    create_private_file(url)
    engine = create_engine(url, time_outs=False)

    def run(connection: Connection) -> None:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        change(_config(connection), revision)

    try:
        async with reported(), engine.begin() as connection:
            await connection.run_sync(run)
    except CommandError as exc:
        raise StoreError(str(exc)) from exc
    finally:
        await engine.dispose()


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()
