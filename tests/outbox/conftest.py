"""Fixtures: an empty database with an outbox, on each kind of database."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.outbox.database import OutboxDatabase, outbox_database
from tests.outbox.postgres import Postgres


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """Return a real PostgreSQL that the tests of this process share."""
    with Postgres() as server:
        yield server


@pytest.fixture
def postgres_url(postgres: Postgres) -> str:
    """Return the URL of a new database."""
    name = f"outbox_{secrets.token_hex(6)}"
    asyncio.run(postgres.execute(f"CREATE DATABASE {name}"))
    return postgres.url(name)


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the URL of a new database; the test runs on both databases."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/outbox.db"
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture
async def database(empty_url: str) -> AsyncIterator[OutboxDatabase]:
    """Return a database with an empty outbox; the test runs on both databases."""
    async with outbox_database(empty_url) as database:
        yield database
