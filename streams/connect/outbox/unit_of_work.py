"""A unit of work: changes of rows and the events that report them, in one database transaction."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from sqlalchemy import insert, text, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from streams.connect.outbox.tables import OutboxTables
from streams.events import Event, EventData, encode
from streams.times import Instant

HEAD_ID = 1
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
    """Begin a transaction. Commit rows and events together at the end of the block, or neither when it raises."""
    async with engine.begin() as connection:
        work = UnitOfWork(connection, now)
        yield work
        if work.emitted:
            await _add(work, outbox)


async def _add(work: UnitOfWork, outbox: OutboxTables) -> None:
    """Number the events and store them. The head's row stays locked until the commit."""
    connection, count = work.connection, len(work.emitted)
    head = outbox.head
    raised = update(head).where(head.c.id == HEAD_ID).values(last=head.c.last + count).returning(head.c.last)
    last = (await connection.execute(raised)).scalar_one()
    rows = [
        {
            "number": number,
            "topic": event.data.topic,
            "key": event.partitionkey,
            "time_us": int(event.time),
            "added_us": int(work.now),
            "value": encode(event),
        }
        for number, event in enumerate(work.emitted, start=last - count + 1)
    ]
    await connection.execute(insert(outbox.events), rows)
    if connection.dialect.name == "postgresql":
        await connection.execute(text(f"NOTIFY {WAKE_CHANNEL}"))
