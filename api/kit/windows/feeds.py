"""Feeds of windows: the newest windows of a series, then each one that changes, merged over the partitions."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Final

import orjson
from faust_redis.log import Position, StoredRecord

from api.kit.coalescer import RequestCoalescer
from api.kit.feeds.change import Changes, Reading, delta_data
from api.kit.feeds.feed import Feed
from api.kit.feeds.follower import ByChannel, Follower
from api.kit.feeds.subscriber import Subscriber
from api.kit.feeds.views import EncodedRows
from api.kit.windows.ranges import Asked
from api.kit.windows.table import AnyWindows, Series, channel_of
from tables.reader import TableReader

KEYS_AT_ONCE: Final = 2_000
"""Windows that one read asks for, on behalf of several subscribers."""


def windows_feed(name: str, windows: AnyWindows) -> Feed[SharedWindows]:
    """Return the feed of a table of windows."""
    return Feed(
        name=name,
        follows=windows.table,
        read=lambda _sealer: _read,
        shared=lambda tables: SharedWindows(windows, tables),
    )


def _read(_: int, record: StoredRecord) -> Reading | None:
    """Read which window changed. Pass over deletions: a window is deleted when no reader gets it any more."""
    if record.key is None or record.value is None:
        return None
    key = record.key.decode()
    return Reading(key, (channel_of(key),), lambda: None)


class SharedWindows:
    """Reads windows for all subscribers of a feed. Those that wait at the same time share a read."""

    def __init__(self, windows: AnyWindows, tables: TableReader) -> None:
        self._windows = windows
        self._tables = tables
        self._reads: RequestCoalescer[Sequence[str], EncodedRows] = RequestCoalescer(
            self._read_all, size=len, size_max=KEYS_AT_ONCE
        )

    async def changed(self, keys: Sequence[str]) -> EncodedRows:
        """Return windows as they are now, encoded."""
        return await self._reads(keys)

    async def newest(self, series: Sequence[Series], count: int) -> tuple[Position, EncodedRows]:
        """Return the last windows of some series with one watermark, and the position they are true for."""
        asked = Asked(None, None, count)
        newest = await self._windows.newest(self._tables, series[0])
        keys = [one.key(begin) for one in series for begin in asked.begins(one.interval, newest)]
        found = await self._windows.read(self._tables, keys)
        return found.position, [orjson.dumps(row) for row in found.rows.values()]

    async def _read_all(self, asked: Sequence[Sequence[str]]) -> list[EncodedRows]:
        found = await self._windows.read(self._tables, list(dict.fromkeys(key for keys in asked for key in keys)))
        encoded = {key: orjson.dumps(row) for key, row in found.rows.items()}
        return [[encoded[key] for key in keys if key in encoded] for keys in asked]

    async def prepare(self, changed: ByChannel, since: Position) -> None:
        """Do nothing: each read is as new as the changes that caused it."""

    def forget(self) -> None:
        """Do nothing: nothing is kept."""


class WindowsView:
    """Shows one subscriber the windows of some series."""

    def __init__(self, shared: SharedWindows, series: Sequence[Series], count: int) -> None:
        self.channels: frozenset[str] | None = frozenset(one.channel for one in series)
        self._shared = shared
        self._series = series
        self._count = count

    async def snapshot(self, follower: Follower, subscriber: Subscriber) -> AsyncIterator[EncodedRows]:
        """Yield the newest windows."""
        del follower
        position, rows = await self._shared.newest(self._series, self._count)
        subscriber.know(position)
        yield rows

    async def resume(self) -> None:
        """Do nothing: a delta has whole windows."""

    async def delta(self, changes: Changes, position: Position, subscriber: Subscriber) -> bytes | None:
        """Return the windows that changed, as they are now."""
        del position, subscriber
        rows = await self._shared.changed(sorted({str(change.key.name) for change in changes}))
        return delta_data(rows) if rows else None
