"""Provide the fast path of tables, which reads or writes a row in one step.

Faust's own path goes through a channel, its schema, the producer's buffer and a future. Both paths write the same: one
changelog record, and the row in the store's overlay. Windowed tables, global tables and tables that use the partitioner
keep Faust's own path.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from types import SimpleNamespace
from typing import Any, Protocol

import faust
from faust.streams import current_event

from faust_redis.driver import faust_internals as internals
from faust_redis.driver.codecs.encoding import Dump, as_bytes, dumper
from faust_redis.driver.codecs.loading import loader
from faust_redis.driver.state.stores import CommittedStore
from faust_redis.driver.telemetry import Telemetry


class RowWrites(Protocol):
    """The pending writes, as a table uses them."""

    def change(self, changelog: str, rows: Sequence[tuple[bytes, bytes | None]], message: Any) -> None:
        """Add rows that an event changed."""


class FastTable(faust.Table):  # type: ignore[type-arg]
    """A table that reads and writes a store with uncommitted writes directly."""

    fast_store: CommittedStore
    writes: RowWrites
    telemetry: Telemetry
    counts: Any
    changelog: str
    dump_key: Dump
    dump_value: Dump
    load_value: Callable[[bytes], Any]

    def __getitem__(self, key: Any) -> Any:
        """Return the value of a key, or the table's default.

        Raises:
            KeyError: the key has no value, and the table has no default.
        """
        self.counts.keys_retrieved += 1
        if self.telemetry.sensors:
            self.telemetry.table_get(self, key)
        raw = self._read(self.dump_key(key))
        return self.__missing__(key) if raw is None else self.load_value(raw)

    def get(self, key: Any, default: Any = None) -> Any:
        """Return the value of a key, or `default`."""
        self.counts.keys_retrieved += 1
        if self.telemetry.sensors:
            self.telemetry.table_get(self, key)
        raw = self._read(self.dump_key(key))
        return default if raw is None else self.load_value(raw)

    def __contains__(self, key: object) -> bool:
        return self._read(self.dump_key(key)) is not None

    def _read(self, key: bytes) -> bytes | None:
        event = current_event()
        return self.fast_store.look_up(key, None if event is None else event.message)

    def __setitem__(self, key: Any, value: Any) -> None:
        self.counts.keys_updated += 1
        self._change(((self.dump_key(key), self.dump_value(value)),))
        if self.telemetry.sensors:
            self.telemetry.table_set(self, key, value)

    def put_many(self, rows: Iterable[tuple[Any, Any]]) -> None:
        """Set the values of several keys; None deletes a key. Without any, the event leaves the table as it is."""
        dump_key, dump_value = self.dump_key, self.dump_value
        observed = list(rows) if self.telemetry.sensors else ()
        dumped = [(dump_key(key), None if value is None else dump_value(value)) for key, value in observed or rows]
        if not dumped:
            return  # a commit of no rows would give the store a checkpoint that no record of this writer is at
        deleted = sum(value is None for _, value in dumped)
        self.counts.keys_deleted += deleted
        self.counts.keys_updated += len(dumped) - deleted
        self._change(dumped)
        for key, value in observed:
            if value is None:
                self.telemetry.table_del(self, key)
            else:
                self.telemetry.table_set(self, key, value)

    def __delitem__(self, key: Any) -> None:
        self.counts.keys_deleted += 1
        self._change(((self.dump_key(key), None),))
        if self.telemetry.sensors:
            self.telemetry.table_del(self, key)

    def _change(self, rows: Sequence[tuple[bytes, bytes | None]]) -> None:
        message = self._message()
        self.writes.change(self.changelog, rows, message)
        self.fast_store.change(rows, message)

    def _message(self) -> Any:
        event = current_event()
        if event is None:
            raise TypeError(f"a row of table {self.name!r} cannot be changed outside of an agent's event")
        message = event.message
        if message.topic not in self._verified_source_topics_for_partitions:
            self._verify_source_topic_partitions(message.topic)
        return message


def enable_fast_path(app: Any, writes: RowWrites, telemetry: Telemetry) -> None:
    """Switch all tables of an app that qualify to the fast path."""
    for table in app.tables.values():
        if (
            type(table) is faust.Table
            and isinstance(table.data, CommittedStore)
            and table.window is None
            and not table.use_partitioner
            and not table.is_global
        ):
            _enable(app, table, writes, telemetry)


def _enable(app: Any, table: Any, writes: RowWrites, telemetry: Telemetry) -> None:
    registry, store = app.serializers, table.data
    internals.become(table, FastTable)
    table.fast_store, table.writes, table.telemetry = store, writes, telemetry
    table.changelog = table.changelog_topic.get_topic_name()
    if telemetry.counts_for_monitor:
        table.counts = internals.table_counts(app.monitor, table)
    else:  # the monitor receives each access as the other sensors do
        table.counts = SimpleNamespace(keys_retrieved=0, keys_updated=0, keys_deleted=0)
    table.dump_key = dumper(
        registry.dumps_key, registry, store.key_type, store.key_serializer, registry.key_serializer, as_bytes
    )
    table.dump_value = dumper(
        registry.dumps_value, registry, store.value_type, store.value_serializer, registry.value_serializer, as_bytes
    )
    table.load_value = loader(
        registry.loads_value, registry, store.value_type, store.value_serializer, registry.value_serializer
    )
