"""Migrations of the identity store: upgrade and downgrade. `revisions` checks the schema, without Alembic.

Alembic runs each command in one transaction. Commands that run at the same time wait for each other.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Connection, text

from api.identity.store.engine import create_engine
from api.identity.store.errors import StoreError
from api.identity.store.files import create_private_file
from api.identity.store.reporting import reported

HEAD: Final = "head"
BASE: Final = "base"
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
