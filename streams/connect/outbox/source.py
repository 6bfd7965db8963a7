"""Reads an outbox from its database, and removes old events from it."""

from __future__ import annotations

from itertools import takewhile
from typing import Final, NamedTuple

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncEngine

from streams.connect.outbox.errors import OutboxDamagedError
from streams.connect.outbox.position import OutboxRow
from streams.connect.outbox.tables import OutboxTables

REMOVE_ROWS_MAX: Final = 500  # bounds how long one deletion holds its locks


class Head(NamedTuple):
    """The outbox's name, and the number of its last event."""

    incarnation: str
    last: int


class Backlog(NamedTuple):
    """The events behind a position: how many, and when the oldest was added (Unix microseconds; None for none)."""

    rows: int
    oldest_us: int | None


class OutboxSource:
    """The outbox of one database. All methods raise SQLAlchemy's errors while the database is away."""

    def __init__(self, engine: AsyncEngine, tables: OutboxTables, *, reading: AsyncEngine | None = None) -> None:
        """Create the source.

        Args:
            engine: The database; its transactions may write.
            tables: The outbox's tables.
            reading: The same database with the options of transactions that only read. Each read is one statement.
        """
        self.engine = engine
        self._reads = reading or engine
        self._head = tables.head.c
        self._events = tables.events

    async def head(self) -> Head:
        """Return the head.

        Raises:
            OutboxDamagedError: there is none.
        """
        async with self._reads.connect() as connection:
            row = (await connection.execute(select(self._head.incarnation, self._head.last))).one_or_none()
        if row is None:
            raise OutboxDamagedError("the table outbox_head has no row; run the migrations of the database")
        return Head(*row)

    async def rows(self, first: int, rows_max: int) -> list[OutboxRow]:
        """Return events from a number on, in order. They may begin later, when older ones were removed."""
        columns = self._events.c
        wanted = select(*(columns[name] for name in OutboxRow._fields))
        async with self._reads.connect() as connection:
            found = await connection.execute(
                wanted.where(columns.number >= first).order_by(columns.number).limit(rows_max)
            )
            return [OutboxRow(*row) for row in found]

    async def backlog(self, after: int) -> Backlog:
        """Return how many events come after a number, and when the oldest of them was added."""
        columns = self._events.c
        oldest = (
            select(columns.added_us).where(columns.number > after).order_by(columns.number).limit(1).scalar_subquery()
        )
        async with self._reads.connect() as connection:
            last, oldest_us = (await connection.execute(select(self._head.last, oldest))).one()
        return Backlog(max(0, last - after), oldest_us)

    async def remove(self, *, below: int, added_before_us: int) -> int:
        """Remove some of the events below a number that were added before a time, the oldest first.

        Return how many were removed. There may be more when they are `REMOVE_ROWS_MAX`. An event that is kept keeps all
        later ones, although the clocks of two writers may differ. So the numbers that are kept stay dense.
        """
        columns = self._events.c
        lowest = select(columns.number, columns.added_us).order_by(columns.number).limit(REMOVE_ROWS_MAX)
        async with self._reads.connect() as connection:
            found = (await connection.execute(lowest)).all()
        old = list(takewhile(lambda row: row.number < below and row.added_us < added_before_us, found))
        if old:
            async with self.engine.begin() as connection:
                await connection.execute(delete(self._events).where(columns.number <= old[-1].number))
        return len(old)
