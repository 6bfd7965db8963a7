"""Fixtures: a database with an empty outbox, on each kind of database."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.outbox.database import OutboxDatabase, outbox_database


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[OutboxDatabase]:
    """Return a database with an empty outbox; the test runs on both databases."""
    async with outbox_database(database_url) as database:
        yield database
