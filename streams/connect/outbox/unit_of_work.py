"""A unit of work: changes of rows and the events that report them, in one database transaction."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import insert, text, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from streams.connect.outbox.errors import OutboxDamagedError
from streams.connect.outbox.tables import HEAD_ID, OutboxTables
from streams.events import AnyEvent, Event, EventData, encode
from streams.events.codec import EVENT_BYTES_MAX
from streams.times import Instant

WAKE_CHANNEL = "astra_outbox"
"""The PostgreSQL channel on which a committed transaction wakes the relay."""


class UnitOfWork:
    """One transaction. Change rows by `connection`; report the changes by `emit`."""

    def __init__(self, connection: AsyncConnection, now: Instant) -> None:
        self.connection = connection
        self.now = now
        self._events: list[Event[EventData]] = []

    def emit(self, event: Event[EventData]) -> None:
        """Publish an event when the transaction commits, after all events that were emitted before it."""
        self._events.append(event)

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
        if work.emitted:
            await add_events(work, outbox)


async def add_events(work: UnitOfWork, outbox: OutboxTables) -> None:
    """Number the events and store them, as the last statements of a transaction.

    The head's row stays locked until the commit, so everything that can be done before it is done before it.
    """
    connection = work.connection
    rows = [_row(event, work.now) for event in work.emitted]
    if connection.dialect.name == "postgresql":
        await connection.execute(text(f"NOTIFY {WAKE_CHANNEL}"))  # delivered at the commit
    head = outbox.head
    raised = update(head).where(head.c.id == HEAD_ID).values(last=head.c.last + len(rows)).returning(head.c.last)
    last = (await connection.execute(raised)).scalar_one_or_none()
    if last is None:
        raise OutboxDamagedError("the table outbox_head has no row; run the migrations of the database")
    for number, row in enumerate(rows, start=last - len(rows) + 1):
        row["number"] = number
    await connection.execute(insert(outbox.events), rows)


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
