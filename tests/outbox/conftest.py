"""Fixtures: an empty database with an outbox, on each kind of database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.outbox.database import OutboxDatabase, outbox_database


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[OutboxDatabase]:
    async with outbox_database(f"sqlite:///{tmp_path}/outbox.db") as database:
        yield database
