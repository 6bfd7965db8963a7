"""Typed tables: text keys and frozen rows over a Faust table of bytes, or in tests over a dictionary.

Faust takes the serializers of a table from `key_type` and `value_type`: ``bytes`` means raw, any other type means
JSON. So the Faust table holds bytes, and this module converts text and rows. In a batch (`tables.unit_of_work`) a
table reads and decodes a row once, and encodes and writes it once, at the end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, MutableMapping, Sequence
from functools import cached_property
from heapq import merge
from typing import TYPE_CHECKING, Any, Final, Generic, Protocol, TypeVar, cast, runtime_checkable

import msgspec

from streams.topology import TableSpec
from tables import row_codec
from tables.boards import Ranked
from tables.row import Row

if TYPE_CHECKING:
    import faust

V = TypeVar("V")
RowT = TypeVar("RowT", bound=Row)
BytesMap = MutableMapping[bytes, bytes]
OpenTable = Callable[[TableSpec[Any]], BytesMap]
"""Opens a table by its declaration: a Faust table (`opener`), or in tests a dictionary."""

_UNREAD: Final = object()
_STANDINGS: Final = msgspec.msgpack.Decoder(dict[str, Ranked])
_STANDINGS_ENCODER: Final = msgspec.msgpack.Encoder()


@runtime_checkable
class _Prefixed(Protocol):
    def prefix(self, start: bytes) -> Iterator[tuple[bytes, bytes]]: ...


@runtime_checkable
class _Ordered(Protocol):
    def range(self, begin: bytes, end: bytes | None = None) -> Iterator[tuple[bytes, bytes]]: ...


@runtime_checkable
class _Fast(Protocol):
    """A table of `faust_redis`, named by what it can do, so that a process that only reads rows loads no Faust."""

    def get(self, key: bytes) -> bytes | None: ...

    def put_many(self, rows: Sequence[tuple[bytes, bytes | None]]) -> None: ...


class Table(Generic[V]):
    """A table from text keys to frozen values of one kind. Only `put` and `delete` change it."""

    def __init__(self, table: BytesMap, load: Callable[[bytes], V], dump: Callable[[V], bytes]) -> None:
        self._table = table
        self._load = load
        self._dump = dump
        self._batch: dict[str, V | None] | None = None
        """In a batch: the current value of each key that was read or written, or None."""
        self._stored: dict[str, bool] = {}
        """In a batch: whether the table has a key that was read, without the batch's changes."""
        self._changed: dict[str, None] = {}
        """Keys to write at the end of the batch, in the order of their first change."""

    @cached_property
    def _rows(self) -> BytesMap:
        """Return the mapping to scan, which is the store of a Faust table."""
        return cast("BytesMap", getattr(self._table, "data", self._table))

    @cached_property
    def _get(self) -> Callable[[bytes], bytes | None]:
        """Return the read function. Faust's own table would look up each key twice."""
        if isinstance(self._table, _Fast):
            return self._table.get
        rows = self._rows

        def get(key: bytes) -> bytes | None:
            try:
                return rows[key]
            except KeyError:
                return None

        return get

    @cached_property
    def _put_many(self) -> Callable[[Sequence[tuple[bytes, bytes | None]]], None]:
        """Return the function that writes rows, and deletes those with None as value."""
        return self._table.put_many if isinstance(self._table, _Fast) else self._put_each

    def _put_each(self, rows: Sequence[tuple[bytes, bytes | None]]) -> None:
        for key, raw in rows:
            if raw is None:
                del self._table[key]
            else:
                self._table[key] = raw

    def get(self, key: str) -> V | None:
        """Return the value of a key, or None."""
        batch = self._batch
        if batch is not None and (value := batch.get(key, _UNREAD)) is not _UNREAD:
            return cast("V | None", value)
        raw = self._get(key.encode())
        row = None if raw is None else self._load(raw)
        if batch is not None:
            batch[key] = row
            self._stored[key] = raw is not None
        return row

    def put(self, key: str, value: V) -> None:
        """Set a value."""
        if self._batch is None:
            self._table[key.encode()] = self._dump(value)
        else:
            self._batch[key] = value
            self._changed[key] = None

    def delete(self, key: str) -> None:
        """Remove a key. A missing key is no error."""
        if self._batch is None:
            if self._get(key.encode()) is not None:
                del self._table[key.encode()]
        elif self._batch.get(key, _UNREAD) is not None and (key in self._batch or self._has(key)):
            self._batch[key] = None
            self._changed[key] = None

    def prefix(self, start: str) -> list[tuple[str, V]]:
        """Return the entries whose key begins with `start`, in key order. It is a copy."""
        batch = {key: value for key, value in (self._batch or {}).items() if key.startswith(start)}
        stored = ((key.decode(), raw) for key, raw in self._scan(start.encode()))
        found = [(key, self._load(raw)) for key, raw in stored if key not in batch]
        found += [(key, value) for key, value in batch.items() if value is not None]
        return sorted(found, key=lambda entry: entry[0])

    def range(self, begin: str, end: str | None = None) -> Iterator[tuple[str, V]]:
        """Iterate over the entries from the key `begin` on, in key order, with the batch's changes so far.

        Keys from `end` on are left out. A store that knows the end reads nothing beyond it.
        """
        within = (key for key in self._changed if key >= begin and (end is None or key < end))
        batch = {key: value for key in within for value in [(self._batch or {})[key]]}
        stored = (
            (key.decode(), raw) for key, raw in self._scan_from(begin.encode(), None if end is None else end.encode())
        )
        found = ((key, self._load(raw)) for key, raw in stored if key not in batch)
        changed = sorted((entry for entry in batch.items() if entry[1] is not None), key=lambda entry: entry[0])
        return merge(found, cast("list[tuple[str, V]]", changed), key=lambda entry: entry[0])

    def keys(self, begin: str, end: str) -> Iterator[str]:
        """Iterate over the keys of `range`, without reading the rows."""
        within = [key for key in self._changed if begin <= key < end]
        stored = (key.decode() for key, _ in self._scan_from(begin.encode(), end.encode()))
        put = sorted(key for key in within if (self._batch or {})[key] is not None)
        return merge((key for key in stored if key not in within), put)

    # --- batches ------------------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Start to keep reads and writes in memory."""
        self._batch, self._stored = {}, {}

    def write(self) -> None:
        """Write the changed rows, each key once."""
        batch, self._batch = self._batch or {}, None
        changed, self._changed = self._changed, {}
        if not changed:
            return
        dump = self._dump
        rows = [
            (key.encode(), None if (value := batch[key]) is None else dump(value))
            for key in changed
            if batch[key] is not None or self._has(key)  # a key that this batch created and deleted leaves no trace
        ]
        self._stored = {}
        if rows:
            self._put_many(rows)

    def drop(self) -> None:
        """Drop the writes of the batch. The table does not change."""
        self._batch = None
        self._stored, self._changed = {}, {}

    # --- inside -------------------------------------------------------------------------------------------------------

    def _has(self, key: str) -> bool:
        """Return whether the table has a key, without the changes of the batch."""
        if key not in self._stored:
            self._stored[key] = self._get(key.encode()) is not None
        return self._stored[key]

    def _scan_from(self, begin: bytes, end: bytes | None) -> Iterable[tuple[bytes, bytes]]:
        if isinstance(self._rows, _Ordered):
            return self._rows.range(begin, end)
        return sorted(entry for entry in self._rows.items() if entry[0] >= begin and (end is None or entry[0] < end))

    def _scan(self, start: bytes) -> Iterable[tuple[bytes, bytes]]:
        if isinstance(self._rows, _Prefixed):
            return self._rows.prefix(start)
        return (entry for entry in self._rows.items() if entry[0].startswith(start))


class RawTable(Table[bytes]):
    """A table from text keys to bytes."""

    def __init__(self, table: BytesMap) -> None:
        super().__init__(table, bytes, bytes)


class TypedTable(Table[RowT]):
    """A table from text keys to rows of one model."""

    def __init__(self, table: BytesMap, model: type[RowT]) -> None:
        super().__init__(table, row_codec.loader(model), row_codec.dump)


def standings(raw: bytes) -> dict[str, Ranked]:
    """Return the standings that a row of a ranked table holds, by name.

    Raises:
        MsgspecError: the bytes are not such a row.
    """
    return _STANDINGS.decode(raw)


class RankedTable(Table[dict[str, Ranked]]):
    """A table from text keys to standings by name, stored as MessagePack."""

    def __init__(self, table: BytesMap) -> None:
        super().__init__(table, standings, _STANDINGS_ENCODER.encode)


def opener(app: faust.App, partitions: int) -> OpenTable:
    """Return the opener of a domain's tables on its Faust app. Each table may be opened once."""
    return lambda spec: declare(app, spec, partitions)


def declare(app: faust.App, spec: TableSpec[Any], partitions: int) -> BytesMap:
    """Declare one table to Faust under its short name: raw bytes in key and value, changelogged."""
    table = app.Table(spec.short_name, key_type=bytes, value_type=bytes, partitions=partitions)
    return cast("BytesMap", table)
