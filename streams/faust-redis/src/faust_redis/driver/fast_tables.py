"""Faust's table over a store of ours: a read and a write in one step each.

Faust's own way leads through a message to a channel, its schema, the producer's buffer and a future that nobody awaits.
What is written is the same: one changelog record, and the row in the store's overlay. Windowed, global and partitioned
tables, and apps with sensors of their own, go Faust's way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, cast

import faust
from faust.streams import current_event

from faust_redis.driver.decoding import loader
from faust_redis.driver.encoding import Dump, as_bytes, dumper
from faust_redis.driver.stores import CommittedStore
from faust_redis.driver.waits import times_no_event

if TYPE_CHECKING:
    from faust_redis.driver.producer import Producer
    from faust_redis.driver.transport import Transport


class FastTable(faust.Table):  # type: ignore[type-arg]
    """A table whose rows are in a store that keeps uncommitted writes apart."""

    _fast_store: CommittedStore
    _producer: Producer
    _counts: Any
    _changelog: str
    _dump_key: Dump
    _dump_value: Dump
    _load_value: Callable[[bytes], Any]

    def __getitem__(self, key: Any) -> Any:
        """The value of a key, or the table's default.

        Raises:
            KeyError: there is neither.
        """
        self._counts.keys_retrieved += 1
        raw = self._read(self._dump_key(key))
        return self.__missing__(key) if raw is None else self._load_value(raw)

    def get(self, key: Any, default: Any = None) -> Any:
        """The value of a key, or `default`."""
        self._counts.keys_retrieved += 1
        raw = self._read(self._dump_key(key))
        return default if raw is None else self._load_value(raw)

    def __contains__(self, key: object) -> bool:
        return self._read(self._dump_key(key)) is not None

    def _read(self, key: bytes) -> bytes | None:
        event = current_event()
        return self._fast_store.look_up(key, None if event is None else event.message)

    def __setitem__(self, key: Any, value: Any) -> None:
        self._counts.keys_updated += 1
        self._change(((self._dump_key(key), self._dump_value(value)),))

    def put_many(self, rows: Iterable[tuple[Any, Any]]) -> None:
        """Set the values of several keys."""
        dump_key, dump_value = self._dump_key, self._dump_value
        dumped = [(dump_key(key), dump_value(value)) for key, value in rows]
        self._counts.keys_updated += len(dumped)
        self._change(dumped)

    def __delitem__(self, key: Any) -> None:
        self._counts.keys_deleted += 1
        self._change(((self._dump_key(key), None),))

    def _change(self, rows: Sequence[tuple[bytes, bytes | None]]) -> None:
        message = self._message()
        self._producer.change(self._changelog, rows, message)
        self._fast_store.change(rows, message)

    def _message(self) -> Any:
        event = current_event()
        if event is None:
            raise TypeError(f"a row of table {self.name!r} cannot be changed outside of an agent's event")
        message = event.message
        if message.topic not in self._verified_source_topics_for_partitions:
            self._verify_source_topic_partitions(message.topic)
        return message


def enable_fast_path(transport: Transport) -> None:
    """Have the tables of an app go the short way, those that can."""
    app = cast("Any", transport.app)
    if not times_no_event(app):
        return
    for table in app.tables.values():
        if (
            type(table) is faust.Table
            and isinstance(table.data, CommittedStore)
            and table.window is None
            and not table.use_partitioner
            and not table.is_global
        ):
            _enable_fast_path(app, table)


def _enable_fast_path(app: Any, table: Any) -> None:
    registry, store = app.serializers, table.data
    table.__class__ = FastTable
    table._fast_store, table._producer = store, app.producer
    table._changelog = table.changelog_topic.get_topic_name()
    table._counts = app.monitor._table_or_create(table)
    table._dump_key = dumper(
        registry.dumps_key, registry, store.key_type, store.key_serializer, registry.key_serializer, as_bytes
    )
    table._dump_value = dumper(
        registry.dumps_value, registry, store.value_type, store.value_serializer, registry.value_serializer, as_bytes
    )
    table._load_value = loader(
        registry.loads_value, registry, store.value_type, store.value_serializer, registry.value_serializer
    )
