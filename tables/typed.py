"""Tables with types: text keys and frozen rows over a Faust table of bytes (or, in tests, over a dictionary).

Faust takes the serializers of a table from `key_type` and `value_type` alone: only ``bytes`` means raw, anything else
is JSON. So the Faust table holds bytes, and text and rows are converted here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, MutableMapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar, cast, runtime_checkable

from tables.catalog import TableSpec
from tables.rows import Row

if TYPE_CHECKING:
    import faust

RowT = TypeVar("RowT", bound=Row)
BytesMap = MutableMapping[bytes, bytes]
OpenTable = Callable[[TableSpec[Any]], BytesMap]
"""How a table is come by: declared to Faust (`opener`), or in tests a dictionary."""


@runtime_checkable
class _Prefixed(Protocol):
    def prefix(self, start: bytes) -> Iterator[tuple[bytes, bytes]]: ...


class RawTable:
    """Text keys to bytes."""

    def __init__(self, table: BytesMap) -> None:
        self._table = table

    @cached_property
    def _rows(self) -> BytesMap:
        """Where to read: the store behind a Faust table, which would look up each key twice."""
        return cast("BytesMap", getattr(self._table, "data", self._table))

    def get(self, key: str) -> bytes | None:
        """The value, or None."""
        try:
            return self._rows[key.encode()]
        except KeyError:
            return None

    def put(self, key: str, value: bytes) -> None:
        """Set a value."""
        self._table[key.encode()] = value

    def delete(self, key: str) -> None:
        """Remove a key; one that is not there is left alone."""
        if self.get(key) is not None:
            del self._table[key.encode()]

    def prefix(self, start: str) -> list[tuple[str, bytes]]:
        """Entries whose key begins with `start`, in key order; a copy, so that the table may change meanwhile."""
        raw = start.encode()
        entries: Iterable[tuple[bytes, bytes]]
        if isinstance(self._rows, _Prefixed):
            entries = self._rows.prefix(raw)
        else:
            entries = (entry for entry in self._rows.items() if entry[0].startswith(raw))
        return [(key.decode(), value) for key, value in sorted(entries)]


class TypedTable(Generic[RowT]):
    """Text keys to rows of one model. Rows are frozen: nothing changes unless it is put."""

    def __init__(self, table: BytesMap, model: type[RowT]) -> None:
        self._raw = RawTable(table)
        self._model = model

    def get(self, key: str) -> RowT | None:
        """The row, or None."""
        raw = self._raw.get(key)
        return None if raw is None else self._model.load(raw)

    def put(self, key: str, row: RowT) -> None:
        """Set a row."""
        self._raw.put(key, row.dump())

    def delete(self, key: str) -> None:
        """Remove a row; a key that is not there is left alone."""
        self._raw.delete(key)

    def prefix(self, start: str) -> list[tuple[str, RowT]]:
        """Rows whose key begins with `start`, in key order; a copy, so that the table may change meanwhile."""
        return [(key, self._model.load(raw)) for key, raw in self._raw.prefix(start)]


def opener(app: faust.App, partitions: int) -> OpenTable:
    """Tables of a Faust application. Each may be opened once, by the domain that it belongs to."""
    return lambda spec: declare(app, spec, partitions)


def declare(app: faust.App, spec: TableSpec[Any], partitions: int) -> BytesMap:
    """Declare one table to Faust, raw bytes in key and value, changelogged."""
    table = app.Table(spec.name, key_type=bytes, value_type=bytes, partitions=partitions)
    return cast("BytesMap", table)


def typed(open_table: OpenTable, spec: TableSpec[RowT]) -> TypedTable[RowT]:
    """Open a table of rows.

    Raises:
        TypeError: when the catalogue gives it no model.
    """
    if spec.model is None:
        raise TypeError(f"table {spec.name!r} holds no rows; open it with RawTable")
    return TypedTable(open_table(spec), spec.model)
