"""A table of windows: read the parts of all partitions and merge them. Independent of HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any, Generic, NamedTuple, TypeVar

from faust_redis.log import Position
from pydantic import JsonValue

from streams.topology import TableSpec
from tables.keys import SEPARATOR
from tables.reader import TableReader
from tables.row import Row
from tables.watermark import WATERMARK_KEY, Watermark
from tables.windows import Interval, window_key

RowT = TypeVar("RowT", bound=Row)


@dataclass(frozen=True, slots=True)
class Series:
    """Windows that follow one another: those of an interval, and of a market and mode where the table has these."""

    interval: Interval
    names: tuple[str, ...] = ()

    def key(self, begin: int) -> str:
        """Return the key of the window that begins at a time."""
        return window_key(self.interval, begin, *self.names)

    @property
    def channel(self) -> str:
        """Return the channel of a feed on which the windows change."""
        return SEPARATOR.join((self.interval, *self.names))


def channel_of(key: str) -> str:
    """Return the channel of the window with a key."""
    interval, _, *names = key.split(SEPARATOR)
    return SEPARATOR.join((interval, *names))


class FoundWindows(NamedTuple):
    """Windows by key, in the order in which they were asked for, all true for one position."""

    position: Position
    rows: dict[str, dict[str, JsonValue]]


class WindowTable(Generic[RowT]):
    """A table of windows, and what clients see of the merged parts of one.

    Args:
        table: The table.
        watermark: The watermarks of its domain.
        merged: Returns the window of two parts.
        show: Returns what clients see of a window, from its row and its key.
        mark_key: Returns the key of the watermark that a window belongs to, from the window's key.
    """

    def __init__(
        self,
        table: TableSpec[RowT],
        watermark: TableSpec[Watermark],
        merged: Callable[[RowT, RowT], RowT],
        show: Callable[[RowT, str], dict[str, JsonValue]],
        mark_key: Callable[[str], str] = lambda _: WATERMARK_KEY,
    ) -> None:
        if table.model is None:
            raise TypeError(f"table {table.name!r} holds no rows")
        self.table = table
        self._load = table.model.load
        self._watermark = watermark
        self._merged = merged
        self._show = show
        self._mark_key = mark_key

    async def read(self, tables: TableReader, keys: Sequence[str]) -> FoundWindows:
        """Return the windows with these keys that have rows. Leave out those that a partition has deleted.

        The watermarks are read last, so they know of every deletion that the rows show.
        """
        position, found = await tables.parts(self.table.name, keys)
        kept_from: dict[tuple[str, str], str] = {}
        for mark_key in {self._mark_key(key) for key in keys}:
            for mark in await _watermarks(tables, self._watermark, mark_key):
                for interval, begin in mark.kept_from.items():
                    oldest = window_key(interval, begin)  # type: ignore[arg-type]
                    kept_from[mark_key, interval] = max(kept_from.get((mark_key, interval), ""), oldest)
        rows = {
            key: self._show(reduce(self._merged, map(self._load, parts)), key)
            for key, parts in zip(keys, found, strict=True)
            if parts and key >= kept_from.get((self._mark_key(key), key.partition(SEPARATOR)[0]), "")
        }
        return FoundWindows(position, rows)

    async def newest(self, tables: TableReader, series: Series) -> int:
        """Return the highest event time of a series' watermarks, in microseconds; 0 before the first event."""
        return await newest_of(tables, self._watermark, self._mark_key(series.key(0)))


AnyWindows = WindowTable[Any]


async def newest_of(tables: TableReader, watermark: TableSpec[Watermark], mark_key: str = WATERMARK_KEY) -> int:
    """Return the highest event time that a partition of a domain has seen, in microseconds; 0 before the first."""
    return max((mark.highest for mark in await _watermarks(tables, watermark, mark_key)), default=0)


async def _watermarks(tables: TableReader, watermark: TableSpec[Watermark], mark_key: str) -> Iterable[Watermark]:
    found = await tables.in_each(watermark.name, mark_key)
    return [Watermark.load(raw) for raw in found.values() if raw is not None]
