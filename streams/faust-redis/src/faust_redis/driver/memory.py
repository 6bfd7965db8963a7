"""Faust's memory store under our driver: who wrote what is not committed, and what stood there before.

An uncommitted row that another event reads by key or overwrites makes that event depend on its writer, and a failed
event's rows are put back, as in the table store. What it cannot do: see rows that are met by iteration, or put back a
value that was changed in place. The driver hooks itself where tables tell their sensors.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from faust.stores.memory import Store as MemoryStore
from faust.streams import current_event

from faust_redis.driver.dependencies import Source

if TYPE_CHECKING:
    from faust_redis.driver.transport import Transport

ABSENT = object()


class MemoryTables:
    """The tables of one worker that are kept in Faust's memory store."""

    def __init__(self, transport: Transport) -> None:
        self.transport = transport
        self._tables: dict[int, MemoryTable] = {}

    def prepare(self) -> None:
        """Hook into all of them."""
        for table in cast("Any", self.transport.app.tables).values():
            if id(table) not in self._tables and isinstance(table.data, MemoryStore):
                self._tables[id(table)] = MemoryTable(self.transport, table)

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

    def __init__(self, transport: Transport, table: Any) -> None:
        self.transport = transport
        self.writes: dict[Any, list[tuple[Source, Any]]] = {}
        self._rows: dict[Any, Any] = table.data.data
        self._on_get, self._on_set, self._on_del = table._sensor_on_get, table._sensor_on_set, table._sensor_on_del
        table._sensor_on_get, table._sensor_on_set, table._sensor_on_del = self._get, self._set, self._del

    def _get(self, table: Any, key: Any) -> None:
        if key in self.writes:
            self._builds_on(self.writes[key][-1][0])
        self._on_get(table, key)

    def _set(self, table: Any, key: Any, value: Any) -> None:
        self._write(key)
        self._on_set(table, key, value)

    def _del(self, table: Any, key: Any) -> None:
        self._write(key)
        self._on_del(table, key)

    def _builds_on(self, writer: Source) -> None:
        event = current_event()
        if event is not None:
            cast("Any", self.transport.app.consumer).builds_on(event.message, writer)

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
        is_committed = cast("Any", self.transport.app.consumer).is_committed
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
