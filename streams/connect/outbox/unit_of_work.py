"""A unit of work: changes of rows and the events that report them, in one database transaction."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import cast, func, insert, select, true, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlalchemy.sql.dml import ReturningUpdate

from streams.connect.outbox.errors import OutboxDamagedError
from streams.connect.outbox.tables import HEAD_ID, OutboxTables
from streams.events import AnyEvent, Event, EventData, encode
from streams.events.codec import EVENT_BYTES_MAX
from streams.times import Instant

WAKE_CHANNEL = "astra_outbox"
"""The PostgreSQL channel on which a committed transaction wakes the relay."""

LastStep = Callable[[], Awaitable[None]]


class UnitOfWork:
    """One transaction. Change rows by `connection`; report the changes by `emit`."""

    def __init__(self, connection: AsyncConnection, now: Instant) -> None:
        self.connection = connection
        self.now = now
        self._events: list[Event[EventData]] = []
        self._last_steps: list[LastStep] = []

    def emit(self, event: Event[EventData]) -> None:
        """Publish an event when the transaction commits, after all events that were emitted before it."""
        self._events.append(event)

    def before_commit(self, step: LastStep) -> None:
        """Run a step after the block, before the events are numbered.

        Steps are for locks that all transactions contend for. A lock that is taken last is held the shortest, and
        transactions that take such locks in the same order cannot block each other for good.
        """
        self._last_steps.append(step)

    async def finish(self) -> None:
        """Run the steps, in order."""
        for step in self._last_steps:
            await step()

    @property
    def emitted(self) -> Sequence[Event[EventData]]:
        """Return the events of this transaction, in order."""
        return self._events


@asynccontextmanager
async def unit_of_work(engine: AsyncEngine, outbox: OutboxTables, now: Instant) -> AsyncIterator[UnitOfWork]:
    """Begin a transaction. Commit rows and events together at the end of the block, or neither when it raises.

    Raises:
        ValueError: an event is larger than readers accept.
        OutboxDamagedError: the outbox has no head.
    """
    async with engine.begin() as connection:
        work = UnitOfWork(connection, now)
        yield work
        await work.finish()
        if work.emitted:
            await add_events(work, outbox)


async def add_events(work: UnitOfWork, outbox: OutboxTables) -> None:
    """Number the events and store them, as the last statement of a transaction.

    The head's row stays locked until the commit, so nothing else may come before it.
    """
    rows = [_row(event, work.now) for event in work.emitted]
    add = _add_on_postgres if work.connection.dialect.name == "postgresql" else _add
    if not await add(work.connection, outbox, rows):
        raise OutboxDamagedError("the table outbox_head has no row; run the migrations of the database")


async def _add(connection: AsyncConnection, outbox: OutboxTables, rows: Sequence[dict[str, Any]]) -> bool:
    """Add rows in two statements. Return whether there is a head."""
    last = (await connection.execute(_raised(outbox, len(rows)))).scalar_one_or_none()
    if last is None:
        return False
    numbered = [{"number": last - len(rows) + place, **row} for place, row in enumerate(rows, start=1)]
    await connection.execute(insert(outbox.events), numbered)
    return True


async def _add_on_postgres(connection: AsyncConnection, outbox: OutboxTables, rows: Sequence[dict[str, Any]]) -> bool:
    """Add rows and notify the relay in one statement: other writers wait from here on until the commit."""
    head = _raised(outbox, len(rows)).cte("head")
    columns = [column for column in outbox.events.c if column.name != "number"]
    values = [cast([row[column.name] for row in rows], ARRAY(column.type)) for column in columns]
    added = func.unnest(*values).table_valued(*columns, with_ordinality="place", name="added").render_derived()
    number = head.c.last - len(rows) + added.c.place
    stored = insert(outbox.events).from_select(
        ["number", *(column.name for column in columns)],
        select(number, *(added.c[column.name] for column in columns)).select_from(head).join(added, true()),
    )
    notified = select(head.c.last, func.pg_notify(WAKE_CHANNEL, "")).add_cte(stored.cte("stored"))
    return (await connection.execute(notified)).one_or_none() is not None


def _raised(outbox: OutboxTables, count: int) -> ReturningUpdate[int]:
    head = outbox.head
    return update(head).where(head.c.id == HEAD_ID).values(last=head.c.last + count).returning(head.c.last)


def _row(event: AnyEvent, now: Instant) -> dict[str, Any]:
    value = encode(event)
    if len(value) > EVENT_BYTES_MAX:
        raise ValueError(f"an event of {len(value)} bytes; readers accept at most {EVENT_BYTES_MAX}")
    return {
        "topic": event.data.topic,
        "key": event.partitionkey,
        "time_us": int(event.time),
        "added_us": int(now),
        "value": value,
    }
