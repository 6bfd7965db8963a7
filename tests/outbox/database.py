"""The database of accounts with one more table: test accounts, each with the version of its last change."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from faust_redis.log import Log, StoredRecord, TopicPartition, TopicSpec
from sqlalchemy import BigInteger, Column, MetaData, String, Table, insert, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from api.identity.store.engine import READ_ONLY, create_engine
from api.identity.store.tables import OUTBOX
from streams.connect.outbox.relay import Relay
from streams.connect.outbox.source import OutboxSource
from streams.connect.outbox.unit_of_work import UnitOfWork, unit_of_work
from streams.events import Event, decode
from streams.events.market import PriceUpdated
from streams.ids import new_id
from streams.times import Instant
from streams.topics import MARKET_PRICES
from streams.units import Price

PARTITIONS = 4
METADATA = MetaData()
ACCOUNTS = Table(
    "test_accounts",
    METADATA,
    Column("name", String(64), primary_key=True),
    Column("version", BigInteger, nullable=False),
)


def now() -> Instant:
    return Instant(time.time_ns() // 1_000)


def spec_of(topic: str) -> TopicSpec:
    return TopicSpec(topic, PARTITIONS)


class OutboxDatabase:
    """One database. A change of an account raises its version by one, and its event names the version."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.engine: AsyncEngine = create_engine(url)
        self.on_postgres = self.engine.dialect.name == "postgresql"

    async def create(self) -> None:
        """Add the table of test accounts. All other tables must be there."""
        async with self.engine.begin() as connection:
            await connection.run_sync(METADATA.create_all)

    @property
    def source(self) -> OutboxSource:
        options: dict[str, Any] = {"isolation_level": "AUTOCOMMIT"} if self.on_postgres else {**READ_ONLY}
        return OutboxSource(self.engine, OUTBOX, reading=self.engine.execution_options(**options))

    def relay(self, log: Log) -> Relay:
        return Relay(log, self.source, spec_of)

    def work(self) -> Any:
        return unit_of_work(self.engine, OUTBOX, now())

    async def change(self, *names: str) -> None:
        """Change accounts in one transaction."""
        async with self.work() as work:
            for name in names:
                await change(work, name)

    async def accounts(self) -> dict[str, int]:
        async with self.engine.connect() as connection:
            found = await connection.execute(select(ACCOUNTS.c.name, ACCOUNTS.c.version))
            return {name: version for name, version in found}  # noqa: C416 - rows are no tuples for dict()


async def change(work: UnitOfWork, name: str) -> int:
    """Raise the version of an account, and return it."""
    raised = update(ACCOUNTS).where(ACCOUNTS.c.name == name).values(version=ACCOUNTS.c.version + 1)
    found: int | None = (await work.connection.execute(raised.returning(ACCOUNTS.c.version))).scalar_one_or_none()
    version = found or 1
    if found is None:
        await work.connection.execute(insert(ACCOUNTS).values(name=name, version=version))
    work.emit(event_of(name, version))
    return version


def event_of(name: str, version: int) -> Event[PriceUpdated]:
    at = now()
    data = PriceUpdated(market=name, price=Price.parse(str(version)))
    return Event.first(data, event_id=new_id(at), time=at, key=name, rules_version=1)


@asynccontextmanager
async def outbox_database(url: str) -> AsyncIterator[OutboxDatabase]:
    """Yield a database with the table of test accounts."""
    database = OutboxDatabase(url)
    try:
        await database.create()
        yield database
    finally:
        await database.engine.dispose()


async def published(log: Log, topic: str = MARKET_PRICES, partitions: int = PARTITIONS) -> list[StoredRecord]:
    """Return all records of the topic of changes, partition by partition."""
    offsets = {TopicPartition(topic, p): 0 for p in range(partitions)}
    fetched = await log.fetch(offsets, count=1_000_000)
    return [record for tp in offsets for record in fetched.get(tp, [])]


def versions(records: Sequence[StoredRecord]) -> dict[str, list[int]]:
    """Return the versions that the log holds of each account, in the order of the log."""
    found: dict[str, list[int]] = {}
    for record in records:
        event = decode(record.value)
        assert isinstance(event.data, PriceUpdated)
        assert record.key == event.partitionkey.encode()
        found.setdefault(event.data.market, []).append(int(event.data.price.text()))
    return found


async def assert_log_equals_database(log: Log, database: OutboxDatabase) -> None:
    """Fail unless the log holds each version of each account once, in order."""
    found, expected = versions(await published(log)), await database.accounts()
    assert found.keys() == expected.keys(), f"the log has {sorted(found)}, the database {sorted(expected)}"
    for name, last in expected.items():
        assert found[name] == list(range(1, last + 1)), f"{name} is at version {last}, and the log has {found[name]}"
