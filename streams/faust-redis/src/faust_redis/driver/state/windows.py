"""Expire windows: remove their rows from the table and from its changelog, and so from each later copy.

Faust drops an expired row only from the worker's memory. So the row returns from the changelog, and restored rows never
expire. Here, the owner of the partition writes a tombstone in a fenced commit, and restored rows expire too.

The clock of a partition follows event time. It starts at the beginning of the latest window and advances with the
worker's clock. So a replay of old events does not close the windows that it fills, but an idle partition's windows
close.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from time import monotonic
from typing import Any, Protocol, cast, runtime_checkable

from faust_redis.driver import faust_internals as internals


@runtime_checkable
class ExpiringStore(Protocol):
    """A table store that lets the driver read and drop the rows of a partition outside of events."""

    def keys_of(self, partition: int) -> Iterable[Any]:
        """Return all keys of a partition."""

    def peek(self, partition: int, key: Any) -> Any:
        """Return a row's committed value; None when there is none, or when the row has an uncommitted write."""

    def expire(self, partition: int, key: Any) -> None:
        """Make a row read as deleted, before the commit of its tombstone."""


class InMemory:
    """Faust's memory store, which knows the partition of a row only when the row came from a changelog."""

    def __init__(self, store: Any) -> None:
        self._store = store

    def keys_of(self, partition: int) -> Iterable[Any]:
        """Return the keys that came from a partition's changelog."""
        return internals.memory_keys_of(self._store, partition)

    def peek(self, partition: int, key: Any) -> Any:
        """Return a row's value; None when there is none."""
        return self._store.data.get(key)

    def expire(self, partition: int, key: Any) -> None:
        """Drop the row."""
        self._store.data.pop(key, None)


class Windows:
    """The windowed tables of one worker."""

    def __init__(self, app: Any, may_write: Callable[[], bool]) -> None:
        self._app = app
        self._may_write = may_write
        self._hooked: set[int] = set()

    def prepare(self) -> None:
        """Replace the expiry of all windowed tables whose store allows it."""
        for table in self._app.tables.values():
            if id(table) not in self._hooked and internals.expires(table):
                self._hooked.add(id(table))
                store = InMemory(table.data) if internals.is_memory(table.data) else table.data
                if isinstance(store, ExpiringStore):
                    Expiry(self._app, table, store, self._may_write).hook()


class Expiry:
    """The windows of one table, with the end of each window."""

    def __init__(self, app: Any, table: Any, store: ExpiringStore, may_write: Callable[[], bool]) -> None:
        self._app = app
        self._may_write = may_write
        self.table = table
        self.store = store
        self._ends: dict[int, dict[float, set[Any]]] = defaultdict(dict)
        self._clocks: dict[int, tuple[float, float]] = {}
        self._closed: dict[int, float] = {}

    def hook(self) -> None:
        """Replace the table's own expiry."""
        internals.replace_expiry(self.table, self.note, self.forget, self.expire, self.restore)

    def note(self, key: Any, partition: int) -> None:
        """Note that a window of a key was written."""
        start, end = key[1]
        self._ends[partition].setdefault(end, set()).add(key)
        if start > self._clocks.get(partition, (-1.0, 0.0))[0]:
            self._clocks[partition] = (start, monotonic())
            internals.note_latest_window(self.table, partition, end)

    def forget(self, key: Any, partition: int) -> None:
        """Note that a window of a key was deleted."""
        keys = self._ends[partition].get(key[1][1])
        if keys is not None:
            keys.discard(key)
            if not keys:
                del self._ends[partition][key[1][1]]

    def restore(self, partitions: set[int]) -> None:
        """Note the windows that came from the changelog; forget those of partitions that other members own."""
        for partition in self._ends.keys() - partitions:
            for book in (self._ends, self._clocks, self._closed):
                cast("dict[int, Any]", book).pop(partition, None)
        for partition in partitions:
            for key in self.store.keys_of(partition):
                self.note(internals.to_key(self.table, key), partition)

    def now(self, partition: int) -> float:
        """Return a partition's clock, in seconds of event time."""
        start, since = self._clocks[partition]
        return start + monotonic() - since

    async def expire(self) -> None:
        """Close the windows that are over: call `on_window_close`, then drop the row here and in the changelog."""
        stale = self.table.window.stale
        for partition, ends in list(self._ends.items()):
            over = sorted(end for end in ends if stale(end, self.now(partition)))
            closed = self._closed.get(partition, -1.0)
            for end in over:
                for key in list(ends.get(end, ())):
                    if not self._may_write() or self._app.rebalancing:
                        return
                    await self._close(key, partition, notify=key[1][0] > closed)
                    self._closed[partition] = max(self._closed.get(partition, -1.0), key[1][0])

    async def _close(self, key: Any, partition: int, *, notify: bool) -> None:
        generation = self._app.consumer_generation_id
        value = self.store.peek(partition, key)
        if value is None:
            return
        if notify:
            await self.table.on_window_close(key, value)
        if generation == self._app.consumer_generation_id and self.store.peek(partition, key) == value:
            self.table.send_changelog(partition, key, None, value_serializer="raw")
            self.store.expire(partition, key)
            self.forget(key, partition)
