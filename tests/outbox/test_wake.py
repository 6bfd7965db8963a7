"""How the relay learns of new events on SQLite: by its write-ahead log, also when that is truncated or removed."""

import asyncio
import os
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from streams.connect.outbox import wake
from streams.connect.outbox.wake import waiting

SOON_S = 0.2


async def _commit(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        await connection.execute(text("INSERT INTO t VALUES (1)"))


@pytest.fixture
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a change count once only, so that the tests see which wait it ends."""
    monkeypatch.setattr(wake, "SETTLED_NS", 0)


async def _database(path: Path) -> AsyncEngine:
    engine = create_async_engine(f"sqlite+aiosqlite:///{path}")
    async with engine.connect() as connection:
        await connection.execute(text("PRAGMA journal_mode=WAL"))
    async with engine.begin() as connection:
        await connection.execute(text("CREATE TABLE t (n INTEGER)"))
    return engine


async def _took(wait: wake.Wait) -> float:
    clock = asyncio.get_running_loop().time
    began = clock()
    await wait()
    return clock() - began


@pytest.mark.usefixtures("settled")
async def test_a_commit_of_another_connection_ends_the_wait_and_quiet_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wake, "QUIET_S", 5.0)
    engine = await _database(tmp_path / "db")
    other = create_async_engine(f"sqlite+aiosqlite:///{tmp_path / 'db'}")
    async with waiting(engine) as wait:
        await wait()  # the first look knows no earlier state
        quiet = asyncio.ensure_future(_took(wait))
        await asyncio.sleep(SOON_S)
        assert not quiet.done()
        await _commit(other)
        assert await quiet < SOON_S + 1.0
        async with other.connect() as connection:
            await connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))
        await wait()
        await _commit(other)
        assert await _took(wait) < 1.0
    await engine.dispose()
    await other.dispose()


async def test_a_change_within_the_tick_of_the_files_clock_is_not_missed(tmp_path: Path) -> None:
    engine = await _database(tmp_path / "db")
    async with waiting(engine) as wait:
        await wait()
        log = tmp_path / "db-wal"
        os.utime(log)
        await wait()
        assert await _took(wait) < wake.QUIET_S / 2, "a fresh change has to end the next wait, too"
    await engine.dispose()
