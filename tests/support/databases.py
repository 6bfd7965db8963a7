"""Fixtures of databases: a real PostgreSQL for each test process that asks for one, SQLite files, the identity store.

`database_url` runs a test twice: on SQLite and on PostgreSQL. Each test gets a database of its own with all tables.
"""

from __future__ import annotations

import secrets
import shutil
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import pytest

from api.identity.store.database import IdentityStore
from api.identity.store.migrate import migrate
from tests.support import postgres
from tests.support.aside import run_aside
from tests.support.postgres import PostgresServer
from tests.support.tokens import plant_key

TEMPLATE = "identity_template"
UNSAFE = ("fsync=off", "full_page_writes=off", "wal_level=minimal", "max_wal_senders=0", "autovacuum=off")
"""Settings that make a database with a third of the CPU. No test expects data after a crash of this server."""


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """Return a real PostgreSQL that the tests of this process share, with a database that has all tables."""
    with postgres.server(Path(sys.executable), settings=UNSAFE) as server:
        run_aside(execute(server, f"CREATE DATABASE {TEMPLATE}"))
        run_aside(migrate(server.url(TEMPLATE)))
        yield server


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file of SQLite with all tables, to copy."""
    path = tmp_path_factory.mktemp("sqlite") / "identity.db"
    run_aside(migrate(f"sqlite:///{path}"))
    return path


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """Return the URL of a new file of SQLite with all tables."""
    path = tmp_path / "identity.db"
    shutil.copyfile(sqlite_template, path)
    return f"sqlite:///{path}"


@pytest.fixture(scope="session")
def planted_template(sqlite_template: Path) -> Path:
    """Return a file of SQLite with all tables and the key of the tests' tokens, to copy."""
    path = sqlite_template.with_name("planted.db")
    shutil.copyfile(sqlite_template, path)
    run_aside(plant_key(f"sqlite:///{path}"))
    return path


@pytest.fixture
def planted_url(planted_template: Path, tmp_path: Path) -> str:
    """Return the URL of a new file of SQLite with all tables and the key of the tests' tokens."""
    path = tmp_path / "identity.db"
    shutil.copyfile(planted_template, path)
    return f"sqlite:///{path}"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """Return the URL of a new database with all tables; the test runs on both databases."""
    if request.param == "sqlite":
        yield request.getfixturevalue("sqlite_url")
    else:
        with new_database(request.getfixturevalue("postgres_server"), TEMPLATE) as url:
            yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Return the URL of a new database without tables; the test runs on both databases."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/empty.db"
    else:
        with new_database(request.getfixturevalue("postgres_server")) as url:
            yield url


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[IdentityStore]:
    """Return an open identity store without accounts; the test runs on both databases."""
    store = IdentityStore(database_url)
    await store.open()
    yield store
    await store.close()


@contextmanager
def new_database(server: PostgresServer, template: str = "template1") -> Iterator[str]:
    """Create a database on a server, and drop it at the end."""
    name = f"test_{secrets.token_hex(6)}"
    run_aside(execute(server, f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY"))
    try:
        yield server.url(name)
    finally:
        run_aside(execute(server, f"DROP DATABASE {name} WITH (FORCE)"))


async def execute(server: PostgresServer, statement: str) -> None:
    """Execute a statement outside of a transaction."""
    connection = await asyncpg.connect(server.url())
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
