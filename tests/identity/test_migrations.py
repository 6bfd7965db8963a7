"""Migrations run forwards and back on both databases, and give exactly the tables of the code."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, inspect, select

from api.identity.store import migrate, revisions
from api.identity.store.database import IdentityStore
from api.identity.store.engine import create_engine
from api.identity.store.errors import SchemaError, StoreError
from api.identity.store.tables import AUDIT_HEAD, METADATA, OUTBOX


async def test_the_migrations_give_the_tables_of_the_code(store: IdentityStore) -> None:
    def differences(connection: Connection) -> list[Any]:
        options = {"compare_type": True, "compare_server_default": True}
        return list(compare_metadata(MigrationContext.configure(connection, opts=options), METADATA))

    async with store.read() as connection:
        assert await connection.run_sync(differences) == []


@pytest.mark.parametrize("revision", [migrate.BASE, *revisions.REVISIONS])
async def test_every_released_revision_upgrades_to_the_newest_and_downgrades_again(
    empty_database_url: str, revision: str
) -> None:
    url = empty_database_url
    if revision != migrate.BASE:
        await migrate.migrate(url, revision)
        assert await revisions.current(url) == revision
    before = await _schema(url)
    await migrate.migrate(url)
    assert await revisions.current(url) == revisions.HEAD
    newest = await _schema(url)
    await migrate.downgrade(url, revision)
    assert await _schema(url) == before
    await migrate.migrate(url)
    assert await _schema(url) == newest
    store = IdentityStore(url)
    await store.open()
    async with store.read() as connection:
        [(number, incarnation, last)] = await connection.execute(select(OUTBOX.head))
        assert (number, last) == (1, 0)
        assert len(bytes.fromhex(incarnation)) == 6
        assert (await connection.execute(select(AUDIT_HEAD))).all() == [(1, 0, bytes(32))]
    await store.close()


async def test_a_downgrade_to_the_base_leaves_no_function_behind(empty_database_url: str) -> None:
    """The functions and triggers of PostgreSQL and SQLite are no part of the metadata, so look for them by name."""
    await migrate.migrate(empty_database_url)
    await migrate.downgrade(empty_database_url, migrate.BASE)
    engine = create_engine(empty_database_url)
    catalogue = {
        "sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger'",
        "postgresql": "SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace",
    }
    async with engine.connect() as connection:
        assert (await connection.exec_driver_sql(catalogue[engine.dialect.name])).all() == []
    await engine.dispose()


async def test_migrations_at_once_wait_for_each_other(empty_database_url: str) -> None:
    await asyncio.gather(*(migrate.migrate(empty_database_url) for _ in range(4)))
    assert await revisions.current(empty_database_url) == revisions.HEAD


async def test_a_database_without_tables_is_refused_with_the_command_that_helps(empty_database_url: str) -> None:
    store = IdentityStore(empty_database_url)
    with pytest.raises(SchemaError, match="no tables yet; run `astratrade database upgrade`"):
        await store.open()
    await store.close()


async def test_a_schema_of_a_newer_program_is_refused(database_url: str) -> None:
    engine = create_engine(database_url)
    async with engine.begin() as connection:
        await connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    await engine.dispose()
    store = IdentityStore(database_url)
    with pytest.raises(SchemaError, match="revision 9999, which this program does not know; install a newer program"):
        await store.open()
    await store.close()


async def test_an_unknown_revision_is_refused_in_one_line(database_url: str) -> None:
    with pytest.raises(StoreError, match="Can't locate revision"):
        await migrate.migrate(database_url, "0815")


async def test_a_database_that_is_away_is_named_in_one_line() -> None:
    with pytest.raises(StoreError, match=r"cannot connect to the database: .*; check ASTRA_DATABASE_URL"):
        await revisions.current("postgresql://nobody@127.0.0.1:1/none")


async def test_a_file_in_a_missing_directory_is_refused_in_one_line() -> None:
    with pytest.raises(StoreError, match=r"cannot create /nowhere/identity\.db: No such file or directory"):
        await migrate.migrate("sqlite:////nowhere/identity.db")


async def _schema(url: str) -> set[str]:
    """Return the tables, and each column, index and constraint as text."""

    def described(connection: Connection) -> set[str]:
        found = inspect(connection)
        return {
            str(part)
            for table in found.get_table_names()
            if table != "alembic_version"
            for part in (
                table,
                *((table, c["name"], str(c["type"]), c["nullable"]) for c in found.get_columns(table)),
                *((table, sorted(i.items(), key=str)) for i in found.get_indexes(table)),
                *((table, sorted(u.items(), key=str)) for u in found.get_unique_constraints(table)),
            )
        }

    engine = create_engine(url)
    try:
        async with engine.connect() as connection:
            return await connection.run_sync(described)
    finally:
        await engine.dispose()
