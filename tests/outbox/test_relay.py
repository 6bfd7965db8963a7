"""The relay publishes each event once, in order, whatever happens to it, to the log or to the database."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from faust_redis.log import Log
from sqlalchemy import delete, insert, literal, select, update

from api.identity.store.tables import OUTBOX
from deploy.run.relay import declared_by
from deploy.settings import load
from streams.connect.outbox import unit_of_work as module
from streams.connect.outbox.errors import (
    DatabaseRolledBackError,
    OtherDatabaseError,
    OutboxDamagedError,
    UndeclaredTopicError,
)
from streams.connect.outbox.position import SOURCE, OutboxPosition
from streams.connect.outbox.relay import WRITE_ROWS_MAX, Relay
from streams.events.market import PriceUpdated
from streams.services import Kind, Service, ServiceLease
from streams.topics import MARKET_PRICES
from tables.domains import TOPOLOGY
from tests.outbox.database import (
    ACCOUNTS,
    OutboxDatabase,
    assert_log_equals_database,
    change,
    event_of,
    published,
    versions,
)
from tests.support.broker_user import log_of_the_products_user

WITHIN_S = 10.0
CHANGED: dict[str, Any] = {"number": literal(2), "topic": literal("elsewhere")}


@asynccontextmanager
async def running(relay: Relay) -> AsyncIterator[asyncio.Task[None]]:
    """Run a relay in the background."""
    task = asyncio.create_task(relay.run())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def wait_until_published(log: Log, count: int) -> None:
    async with asyncio.timeout(WITHIN_S):
        while len(await published(log)) < count:  # noqa: ASYNC110 - the relay is another client of a real broker
            await asyncio.sleep(0.01)


async def flush(log: Log) -> None:
    """Delete everything that the log's namespace holds, as FLUSHALL does on a broker of its own."""
    keys = [key async for key in log.redis.scan_iter(f"{log.keys.prefix}*")]
    await log.redis.unlink(*keys)


async def remove_below(database: OutboxDatabase, number: int) -> None:
    async with database.engine.begin() as connection:
        await connection.execute(delete(OUTBOX.events).where(OUTBOX.events.c.number < number))


async def position(log: Log) -> int:
    return OutboxPosition.of(await log.source_offsets(SOURCE)).number


async def fail_after_a_change(database: OutboxDatabase) -> None:
    async with database.work() as work:
        await change(work, "a")
        raise ZeroDivisionError


async def test_rows_and_their_events_commit_together_or_not_at_all(database: OutboxDatabase, log: Log) -> None:
    await database.change("a", "b")
    with pytest.raises(ZeroDivisionError):
        await fail_after_a_change(database)
    await database.relay(log).publish_all()
    assert versions(await published(log)) == {"a": [1], "b": [1]}
    assert await database.accounts() == {"a": 1, "b": 1}


async def test_an_event_that_readers_would_refuse_fails_its_unit_of_work(
    database: OutboxDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "EVENT_BYTES_MAX", 100)
    with pytest.raises(ValueError, match="readers accept at most 100"):
        await database.change("a")
    assert await database.accounts() == {}


async def test_events_keep_the_order_of_their_transactions_over_many_writes(database: OutboxDatabase, log: Log) -> None:
    names = [f"user-{n % 7}" for n in range(2 * WRITE_ROWS_MAX + 10)]
    for start in range(0, len(names), 100):
        await database.change(*names[start : start + 100])
    await database.relay(log).publish_all()
    await assert_log_equals_database(log, database)
    assert await position(log) == len(names)


async def test_an_event_of_an_undeclared_topic_stops_the_relay(database: OutboxDatabase, log: Log) -> None:
    await database.change("a")
    elsewhere = insert(OUTBOX.events).from_select(
        OUTBOX.events.c.keys(),
        select(*(CHANGED.get(column.name, column) for column in OUTBOX.events.c)),
    )
    async with database.engine.begin() as connection:
        await connection.execute(elsewhere)
        await connection.execute(update(OUTBOX.head).values(last=2))
    relay = Relay(log, database.source, declared_by(TOPOLOGY, load()))
    with pytest.raises(UndeclaredTopicError, match="the topic 'elsewhere', which the topology does not declare"):
        await relay.publish_all()
    assert "elsewhere" not in await log.topics()
    assert await published(log) == []


async def test_a_waiting_relay_publishes_what_a_transaction_commits(database: OutboxDatabase, log: Log) -> None:
    async with running(database.relay(log)):
        for number in range(1, 4):
            await database.change("a")
            await wait_until_published(log, number)
    await assert_log_equals_database(log, database)


async def test_two_relays_publish_each_event_once(database: OutboxDatabase, log: Log, broker_url: str) -> None:
    async with Log(broker_url, log.keys.namespace) as other_log:
        first, second = database.relay(log), database.relay(other_log)
        async with running(first) as one, running(second) as other:
            for number in range(60):
                await database.change(f"user-{number % 5}", f"user-{number % 3}")
            await wait_until_published(log, 120)
            assert not one.done()
            assert not other.done()
    await assert_log_equals_database(log, database)
    assert first.counts.published + second.counts.published == 120


async def test_a_relay_that_was_overtaken_reads_the_position_again(database: OutboxDatabase, log: Log) -> None:
    slow, quick = database.relay(log), database.relay(log)
    await slow.look()
    await database.change("a", "b")
    await quick.publish_all()
    await database.change("a")
    while await slow._publish_some():
        pass
    await assert_log_equals_database(log, database)
    assert slow.counts.refused == 1


async def test_events_follow_into_a_log_that_was_flushed(
    database: OutboxDatabase, log: Log, caplog: pytest.LogCaptureFixture
) -> None:
    relay = database.relay(log)
    async with running(relay):
        await database.change("a", "b", "a")
        await wait_until_published(log, 3)
        await flush(log)
        await wait_until_published(log, 3)
        await database.change("b")
        await wait_until_published(log, 4)
    await assert_log_equals_database(log, database)
    assert "the log has events up to number 0 of the outbox and had them up to 3" in caplog.text


async def test_a_flush_between_two_writes_loses_nothing(database: OutboxDatabase, log: Log) -> None:
    relay = database.relay(log)
    await database.change("a")
    await relay.publish_all()
    await flush(log)
    await database.change("a")
    while await relay._publish_some():
        pass
    await assert_log_equals_database(log, database)


async def test_the_relay_names_the_events_that_nobody_has_any_more(
    database: OutboxDatabase, log: Log, caplog: pytest.LogCaptureFixture
) -> None:
    await database.change("a", "b", "a", "b", "b")
    await remove_below(database, 4)
    relay = database.relay(log)
    await relay.publish_all()
    assert versions(await published(log)) == {"b": [2, 3]}
    assert relay.counts.lost == 3
    [line] = [record.message for record in caplog.records if record.levelno == logging.ERROR]
    assert "3 events of the outbox are lost: numbers 1 to 3" in line


async def test_another_database_is_refused(database: OutboxDatabase, log: Log) -> None:
    await database.change("a")
    await database.relay(log).publish_all()
    async with database.engine.begin() as connection:
        await connection.execute(update(OUTBOX.head).values(incarnation="0123456789ab"))
    with pytest.raises(OtherDatabaseError, match="outbox of this database is 0123456789ab"):
        await asyncio.wait_for(database.relay(log).run(), WITHIN_S)


async def test_two_databases_that_begin_at_once_do_not_mix(database: OutboxDatabase, log: Log) -> None:
    """Both relays have seen an empty log before the first one writes."""
    await database.change("a")
    late = database.relay(log)
    await late.look()
    late._incarnation = "0123456789ab"
    await database.relay(log).publish_all()
    async with database.engine.begin() as connection:
        await connection.execute(update(OUTBOX.head).values(incarnation="0123456789ab"))
    with pytest.raises(OtherDatabaseError):
        await late._publish_some()
    assert len(await published(log)) == 1


async def roll_back(database: OutboxDatabase, last: int) -> None:
    """Restore the outbox to an earlier state."""
    async with database.engine.begin() as connection:
        await connection.execute(delete(OUTBOX.events).where(OUTBOX.events.c.number > last))
        await connection.execute(update(OUTBOX.head).values(last=last))
        await connection.execute(delete(ACCOUNTS))


async def test_a_database_behind_the_log_stops_the_relay(database: OutboxDatabase, log: Log) -> None:
    await database.change("a", "b", "c")
    await database.relay(log).publish_all()
    await roll_back(database, 1)
    with pytest.raises(DatabaseRolledBackError, match=r"up to number 3.*last event is number 1"):
        await asyncio.wait_for(database.relay(log).run(), WITHIN_S)
    assert len(await published(log)) == 3


async def test_a_database_that_was_restored_and_used_stops_the_relay(database: OutboxDatabase, log: Log) -> None:
    """Its numbers have passed the log's position again, with other events."""
    await database.change("a", "b", "c")
    await database.relay(log).publish_all()
    await roll_back(database, 1)
    await database.change("x", "y", "z")
    with pytest.raises(DatabaseRolledBackError, match="event 3 of the database is another one"):
        await asyncio.wait_for(database.relay(log).run(), WITHIN_S)
    assert len(await published(log)) == 3


async def test_a_running_relay_notices_that_the_database_was_restored(database: OutboxDatabase, log: Log) -> None:
    async with running(database.relay(log)) as task:
        await database.change("a", "b", "c")
        await wait_until_published(log, 3)
        await roll_back(database, 1)
        with pytest.raises(DatabaseRolledBackError):
            await asyncio.wait_for(asyncio.shield(task), WITHIN_S)


async def test_a_hole_in_the_outbox_stops_the_relay(database: OutboxDatabase, log: Log) -> None:
    await database.change("a", "b", "c")
    async with database.engine.begin() as connection:
        await connection.execute(delete(OUTBOX.events).where(OUTBOX.events.c.number == 2))
    with pytest.raises(OutboxDamagedError, match="lacks event 2 before event 3"):
        await database.relay(log).publish_all()


async def test_old_events_are_removed_once_they_are_published(database: OutboxDatabase, log: Log) -> None:
    await database.change("a", "b", "c", "d")
    source = database.source
    later = event_of("a", 1).time + 1_000_000
    assert await source.remove(below=0, added_before_us=later) == 0
    assert await source.remove(below=3, added_before_us=0) == 0
    assert await source.remove(below=3, added_before_us=later) == 2
    assert [row.number for row in await source.rows(0, 10)] == [3, 4]


async def test_a_kept_event_keeps_all_later_ones(database: OutboxDatabase) -> None:
    """The clocks of two writers may differ."""
    await database.change("a", "b", "c")
    async with database.engine.begin() as connection:
        events = OUTBOX.events
        await connection.execute(update(events).where(events.c.number != 2).values(added_us=1))
    assert await database.source.remove(below=4, added_before_us=2) == 1
    assert [row.number for row in await database.source.rows(0, 10)] == [2, 3]


async def test_the_backlog_counts_what_is_not_published(database: OutboxDatabase) -> None:
    await database.change("a", "b", "c")
    oldest = (await database.source.rows(2, 1))[0].added_us
    assert await database.source.backlog(1) == (2, oldest)
    assert await database.source.backlog(3) == (0, None)


def test_the_topic_of_changes_is_that_of_the_event() -> None:
    assert PriceUpdated.topic == MARKET_PRICES


async def test_the_relay_needs_no_more_than_the_products_user_may(
    database: OutboxDatabase, log: Log, broker_url: str
) -> None:
    async def is_well() -> str | None:
        return None

    async with log_of_the_products_user(broker_url, log.keys.namespace) as restricted:
        lease = ServiceLease(restricted, Service(Kind.RELAY, "relay-1"), is_well, lease_ms=1_000, every_s=0.1)
        async with lease.held(), running(database.relay(restricted)):
            await database.change("a", "b")
            await wait_until_published(log, 2)
            await flush(log)
            await database.change("a")
            await wait_until_published(log, 3)
    await assert_log_equals_database(log, database)
