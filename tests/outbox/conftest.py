"""Fixtures: an empty database with an outbox, on each kind of database."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.outbox.database import OutboxDatabase, outbox_database
from tests.support.databases import new_database
from tests.support.postgres import PostgresServer


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """Return the URL of a new database without tables."""
    with new_database(postgres_server) as url:
        yield url


@pytest.fixture
async def database(empty_database_url: str) -> AsyncIterator[OutboxDatabase]:
    """Return a database with an empty outbox; the test runs on both databases."""
    async with outbox_database(empty_database_url) as database:
        yield database
