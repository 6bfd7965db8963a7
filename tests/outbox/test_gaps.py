"""A transaction with a later number may commit first, if numbers are taken before the commit. Ours are not.

PostgreSQL alone: SQLite has one writer at a time.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from faust_redis.log import Log
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from api.identity.store.tables import OUTBOX
from streams.connect.outbox.unit_of_work import add_events
from tests.outbox.database import (
    OutboxDatabase,
    assert_log_equals_database,
    change,
    outbox_database,
    published,
)
from tests.support.databases import TEMPLATE, new_database
from tests.support.postgres import PostgresServer

WITHIN_S = 10.0
LOCKED = text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")


@pytest.fixture
async def database(postgres_server: PostgresServer) -> AsyncIterator[OutboxDatabase]:
    with new_database(postgres_server, TEMPLATE) as url:
        async with outbox_database(url) as database:
            yield database


class NaiveRelay:
    """Reads the rows after the highest number that it has read, as relays often do."""

    def __init__(self) -> None:
        self.position = 0
        self.published: list[str] = []

    async def step(self, connection: AsyncConnection) -> None:
        rows = text("SELECT number, name FROM naive_outbox WHERE number > :position ORDER BY number")
        for number, name in await connection.execute(rows, {"position": self.position}):
            self.position = number
            self.published.append(name)


async def test_the_schedule_that_loses_an_event_of_a_naive_relay(database: OutboxDatabase) -> None:
    """The first transaction takes number 1, the second one takes 2 and commits, the relay reads, the first commits."""
    engine, relay = database.engine, NaiveRelay()
    async with engine.begin() as connection:
        await connection.execute(text("CREATE TABLE naive_outbox (number BIGSERIAL PRIMARY KEY, name TEXT NOT NULL)"))
    added = text("INSERT INTO naive_outbox (name) VALUES (:name)")
    async with engine.connect() as first, engine.connect() as second, engine.connect() as reader:
        await first.execute(added, {"name": "first"})
        await second.execute(added, {"name": "second"})
        await second.commit()
        await relay.step(reader)
        await first.commit()
        await relay.step(reader)
    assert relay.published == ["second"]  # `first` is never published


async def test_the_same_schedule_loses_nothing_of_ours(database: OutboxDatabase, log: Log) -> None:
    """The second transaction gets its number only after the first one has committed."""
    relay = database.relay(log)
    async with database.engine.execution_options(isolation_level="AUTOCOMMIT").connect() as watcher:
        async with database.work() as first:
            await change(first, "first")
            await add_events(first, OUTBOX)  # it has its number, and has not committed
            second = asyncio.create_task(database.change("second"))
            async with asyncio.timeout(WITHIN_S):
                while not (await watcher.execute(LOCKED)).scalar_one():  # noqa: ASYNC110 - another server's state
                    await asyncio.sleep(0.01)
            await relay.publish_all()
            assert await published(log) == []
            assert not second.done()
            first._events.clear()  # the end of the block adds nothing more
        await second
    await relay.publish_all()
    rows = await database.source.rows(1, 10)
    assert [(row.number, row.key) for row in rows] == [(1, "first"), (2, "second")]
    await assert_log_equals_database(log, database)


async def test_a_failed_transaction_leaves_no_gap(database: OutboxDatabase, log: Log) -> None:
    with pytest.raises(ZeroDivisionError):
        await _fail_with_a_number(database)
    await database.change("a")
    assert [row.number for row in await database.source.rows(1, 10)] == [1]
    await database.relay(log).publish_all()
    await assert_log_equals_database(log, database)


async def _fail_with_a_number(database: OutboxDatabase) -> None:
    async with database.work() as work:
        await change(work, "a")
        await add_events(work, OUTBOX)
        raise ZeroDivisionError


async def test_concurrent_writers_leave_dense_numbers_and_ordered_versions(database: OutboxDatabase, log: Log) -> None:
    names = [f"user-{n}" for n in range(5)]
    await database.change(*names)

    async def write(first: int) -> None:
        for n in range(20):
            await database.change(names[(first + n) % 5])

    task = asyncio.create_task(database.relay(log).run())
    await asyncio.gather(*(write(n) for n in range(8)))
    async with asyncio.timeout(WITHIN_S):
        while len(await published(log)) < 165:  # noqa: ASYNC110 - the relay writes to another server
            await asyncio.sleep(0.05)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert [row.number for row in await database.source.rows(1, 1_000)] == list(range(1, 166))
    await assert_log_equals_database(log, database)
