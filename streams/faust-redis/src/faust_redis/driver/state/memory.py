"""Faust's memory store under this driver: remember who wrote uncommitted rows, and what stood there before.

An event that reads or overwrites an uncommitted row by key depends on its writer, and a failed event's rows are put
back, as in the RocksDB store. Two things are impossible here: to notice rows that are met by iteration, and to put back
a value that was changed in place.
"""

from __future__ import annotations

from typing import Any, Protocol

from faust.streams import current_event

from faust_redis.driver import faust_internals as internals
from faust_redis.driver.source import Source

ABSENT = object()


class Events(Protocol):
    """The events in flight."""

    def builds_on(self, message: Any, base: Source) -> None:
        """Note that an event met a row that another event wrote."""

    def is_committed(self, source: Source | None) -> bool:
        """Return whether an event is committed."""


class MemoryTables:
    """The tables of one worker that are kept in Faust's memory store."""

    def __init__(self, app: Any, events: Events) -> None:
        self._app = app
        self._events = events
        self._tables: dict[int, MemoryTable] = {}

    def prepare(self) -> None:
        """Hook into all of them."""
        for table in self._app.tables.values():
            if id(table) not in self._tables and internals.is_memory(table.data):
                self._tables[id(table)] = MemoryTable(table, self._events)

    def undo(self, source: Source) -> None:
        """Put back what stood before an event's writes."""
        for table in self._tables.values():
            table.undo(source)

    def settle(self) -> None:
        """Forget what is committed by now."""
        for table in self._tables.values():
            table.settle()

    def clear(self) -> None:
        """Forget everything: the generation is over, and the tables are made anew from the log."""
        for table in self._tables.values():
            table.writes.clear()


class MemoryTable:
    """One table: by key its uncommitted writers, oldest first, each with the value that it replaced."""

    def __init__(self, table: Any, events: Events) -> None:
        self.writes: dict[Any, list[tuple[Source, Any]]] = {}
        self._events = events
        self._rows: dict[Any, Any] = table.data.data
        internals.hook_table_accesses(table, self._read, self._write, self._write)

    def _read(self, key: Any) -> None:
        if key in self.writes:
            self._builds_on(self.writes[key][-1][0])

    def _builds_on(self, writer: Source) -> None:
        event = current_event()
        if event is not None:
            self._events.builds_on(event.message, writer)

    def _write(self, key: Any) -> None:
        event = current_event()
        if event is None:
            return
        source = (event.message.tp, event.message.offset)
        writes = self.writes.setdefault(key, [])
        if writes:
            self._builds_on(writes[-1][0])
        if not writes or writes[-1][0] != source:
            writes.append((source, self._rows.get(key, ABSENT)))

    def undo(self, source: Source) -> None:
        """Put back what stood before an event's writes; a later writer would now be replacing that."""
        for key, writes in list(self.writes.items()):
            kept: list[tuple[Source, Any]] = []
            replaced: list[Any] = []
            for writer, before in writes:
                value = replaced.pop() if replaced else before
                if writer == source:
                    replaced = [value]
                else:
                    kept.append((writer, value))
            if replaced:
                self._put(key, replaced[0])
            self._keep(key, kept)

    def settle(self) -> None:
        """Forget what is committed by now."""
        is_committed = self._events.is_committed
        for key, writes in list(self.writes.items()):
            self._keep(key, [write for write in writes if not is_committed(write[0])])

    def _keep(self, key: Any, writes: list[tuple[Source, Any]]) -> None:
        if writes:
            self.writes[key] = writes
        else:
            del self.writes[key]

    def _put(self, key: Any, value: Any) -> None:
        if value is ABSENT:
            self._rows.pop(key, None)
        else:
            self._rows[key] = value
