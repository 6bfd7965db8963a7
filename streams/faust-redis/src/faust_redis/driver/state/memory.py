"""Track the uncommitted rows of Faust's memory store: the event that wrote each row, and the value it replaced.

As in the RocksDB store, an event that reads or overwrites an uncommitted row by key depends on the event that wrote it.
The driver also restores the rows that a failed event changed. The memory store has two limits. The driver does not
notice rows that an agent reads by iteration, and it cannot restore a value that an agent changed in place.
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
        """Note that an event read or overwrote another event's row."""

    def is_committed(self, source: Source | None) -> bool:
        """Return whether an event is committed."""


class MemoryTables:
    """The tables of one worker in Faust's memory store."""

    def __init__(self, app: Any, events: Events) -> None:
        self._app = app
        self._events = events
        self._tables: dict[int, MemoryTable] = {}

    def prepare(self) -> None:
        """Hook into the app's tables in Faust's memory store."""
        for table in self._app.tables.values():
            if id(table) not in self._tables and internals.is_memory(table.data):
                self._tables[id(table)] = MemoryTable(table, self._events)

    def undo(self, source: Source) -> None:
        """Restore the values that an event replaced."""
        for table in self._tables.values():
            table.undo(source)

    def settle(self) -> None:
        """Forget the writes of committed events."""
        for table in self._tables.values():
            table.settle()

    def clear(self) -> None:
        """Forget all writes at the end of a generation. Recovery then rebuilds the tables from the log."""
        for table in self._tables.values():
            table.writes.clear()


class MemoryTable:
    """A table in memory: for each key the uncommitted writers, oldest first, each with the value that it replaced."""

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
        """Restore the values that an event replaced.

        When a later event overwrote a row, that event now counts as having replaced the restored value.
        """
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
        """Forget the writes of committed events."""
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
