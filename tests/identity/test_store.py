"""Units of work on both databases: rows and events commit together, writers wait for each other, readers do not."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError

from api.identity.store.database import IdentityStore
from api.identity.store.tables import ACCOUNTS, OUTBOX
from streams.connect.outbox.unit_of_work import UnitOfWork
from streams.events import Event
from streams.events.trading import RiskAlert
from streams.ids import new_id
from streams.times import Instant
from streams.units import Usd

NOW = Instant.parse("2026-11-29T05:00:00Z")


async def add(work: UnitOfWork, name: str) -> None:
    row = {"id": name, "role": "user", "status": "active", "verification": "unverified", "is_private": False}
    await work.connection.execute(ACCOUNTS.insert().values(**row, created_us=int(NOW), changed_us=int(NOW)))
    data = RiskAlert(kind="margin", level="high", trade_id="t", margin_usd=Usd(1), equity_usd=Usd(1))
    work.emit(Event.first(data, event_id=new_id(NOW), time=NOW, key=name, rules_version=1))


async def add_and_stop(store: IdentityStore) -> None:
    async with store.work(NOW) as work:
        await add(work, "dropped")
        raise RuntimeError("stop")


async def counts(store: IdentityStore) -> tuple[int, int]:
    async with store.read() as connection:
        accounts = await connection.scalar(select(func.count()).select_from(ACCOUNTS))
        events = await connection.scalar(select(func.count()).select_from(OUTBOX.events))
    return int(accounts or 0), int(events or 0)


async def test_rows_and_events_commit_together_or_not_at_all(store: IdentityStore) -> None:
    async with store.work(NOW) as work:
        await add(work, "kept")
    with pytest.raises(RuntimeError, match="stop"):
        await add_and_stop(store)
    assert await counts(store) == (1, 1)


async def test_fifty_writers_at_once_leave_dense_numbers(store: IdentityStore) -> None:
    async def write(number: int) -> None:
        async with store.work(NOW) as work:
            await add(work, f"account-{number}")

    await asyncio.gather(*map(write, range(50)))
    assert await counts(store) == (50, 50)
    async with store.read() as connection:
        numbers = (await connection.scalars(select(OUTBOX.events.c.number).order_by(OUTBOX.events.c.number))).all()
    assert numbers == list(range(1, 51))


async def test_a_reader_goes_on_while_a_writer_works(store: IdentityStore) -> None:
    async with store.work(NOW) as work:
        await add(work, "unseen")
        assert await asyncio.wait_for(counts(store), 2.0) == (0, 0)
    assert await counts(store) == (1, 1)


async def test_a_transaction_that_only_reads_cannot_write(store: IdentityStore) -> None:
    with pytest.raises(DBAPIError, match=r"read-?only"):
        async with store.read() as connection:
            await connection.execute(OUTBOX.head.update().values(last=7))
    async with store.work(NOW) as work:
        await add(work, "alice")


async def test_two_processes_share_a_file_of_sqlite(sqlite_url: str) -> None:
    """Two stores have two pools of connections and no common lock, as two processes have."""
    stores = [IdentityStore(sqlite_url), IdentityStore(sqlite_url)]

    async def write(number: int) -> None:
        async with stores[number % 2].work(NOW) as work:
            await add(work, f"account-{number}")

    await asyncio.gather(*map(write, range(40)))
    assert await counts(stores[0]) == await counts(stores[1]) == (40, 40)
    for store in stores:
        await store.close()


async def test_a_transaction_that_reads_first_may_still_write_beside_another_process(sqlite_url: str) -> None:
    """SQLite refuses at once to write on a snapshot that is no longer the newest, whatever the busy time-out."""
    stores = [IdentityStore(sqlite_url), IdentityStore(sqlite_url)]

    async def read_and_write(number: int) -> None:
        async with stores[number % 2].work(NOW) as work:
            await work.connection.scalar(select(func.count()).select_from(ACCOUNTS))
            await asyncio.sleep(0.02)
            await add(work, f"account-{number}")

    await asyncio.gather(*map(read_and_write, range(8)))
    assert await counts(stores[0]) == (8, 8)
    for store in stores:
        await store.close()


async def test_foreign_keys_are_checked(store: IdentityStore) -> None:
    with pytest.raises(DBAPIError, match=r"(?i)foreign key"):
        async with store.work(NOW) as work:
            await work.connection.execute(
                ACCOUNTS.insert().values(
                    id="child",
                    parent_id="nobody",
                    role="user",
                    status="active",
                    verification="unverified",
                    is_private=False,
                    created_us=1,
                    changed_us=1,
                )
            )
    assert await counts(store) == (0, 0)
