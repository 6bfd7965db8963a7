"""Windows that expire: their rows leave the table, its changelog and so every later worker's copy.

Faust drops an expired row from the worker's memory only, so that it comes back from the changelog, and never looks at
rows that came from there. Here the owner of the partition writes a tombstone in a fenced commit, and restored rows
expire too. Works for unmodified apps: the driver hooks itself into their windowed tables.

The clock of a partition is event time: the latest window begun in it, and from then on it goes with the worker's clock.
So a replay of old events does not close the windows that it is filling, and an idle partition's windows do close.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from time import monotonic
from typing import TYPE_CHECKING, Any, Protocol, cast, runtime_checkable

from faust.stores.memory import Store as MemoryStore

if TYPE_CHECKING:
    from faust_redis.driver.transport import Transport


@runtime_checkable
class ExpiringStore(Protocol):
    """A table store whose rows can be looked at and dropped outside of events, by partition."""

    def keys_of(self, partition: int) -> Iterable[Any]:
        """All keys of a partition."""

    def peek(self, partition: int, key: Any) -> Any:
        """A row's committed value; None when there is none, or when it has changed and that is not committed."""

    def expire(self, partition: int, key: Any) -> None:
        """Read the row as gone; its tombstone is on its way."""


class InMemory:
    """Faust's memory store: it knows partitions only of rows that came from a changelog."""

    def __init__(self, store: Any) -> None:
        self._store = store

    def keys_of(self, partition: int) -> Iterable[Any]:
        """Keys that came from a partition's changelog."""
        return [key for key, home in self._store._key_partition.items() if home == partition and key in self._store]

    def peek(self, partition: int, key: Any) -> Any:
        """A row's value."""
        return self._store.data.get(key)

    def expire(self, partition: int, key: Any) -> None:
        """Drop the row."""
        self._store.data.pop(key, None)


class Windows:
    """The windowed tables of one worker."""

    def __init__(self, transport: Transport) -> None:
        self.transport = transport
        self._hooked: set[int] = set()

    def prepare(self) -> None:
        """Hook into all windowed tables whose store allows it."""
        for table in cast("Any", self.transport.app.tables).values():
            if id(table) not in self._hooked and table._should_expire_keys():
                self._hooked.add(id(table))
                store = InMemory(table.data) if isinstance(table.data, MemoryStore) else table.data
                if isinstance(store, ExpiringStore):
                    Expiry(self.transport, table, store).hook()


class Expiry:
    """Which windows of one table there are, and when they are over."""

    def __init__(self, transport: Transport, table: Any, store: ExpiringStore) -> None:
        self.transport = transport
        self.table = table
        self.store = store
        self._ends: dict[int, dict[float, set[Any]]] = defaultdict(dict)
        self._clocks: dict[int, tuple[float, float]] = {}
        self._closed: dict[int, float] = {}

    def hook(self) -> None:
        """Stand where the table keeps its own books."""
        table = self.table
        table._maybe_set_key_ttl = self.note
        table._maybe_del_key_ttl = self.forget
        table._del_old_keys = self.expire
        recovered = table.on_recovery_completed

        async def on_recovery_completed(active: set[Any], standby: set[Any]) -> None:
            await recovered(active, standby)
            self.restore({tp.partition for tp in active})

        table.on_recovery_completed = on_recovery_completed

    def note(self, key: Any, partition: int) -> None:
        """A window of a key was written."""
        start, end = key[1]
        self._ends[partition].setdefault(end, set()).add(key)
        if start > self._clocks.get(partition, (-1.0, 0.0))[0]:
            self._clocks[partition] = (start, monotonic())
            latest = self.table._partition_latest_timestamp
            latest[partition] = max(latest[partition], end)

    def forget(self, key: Any, partition: int) -> None:
        """A window of a key was deleted."""
        keys = self._ends[partition].get(key[1][1])
        if keys is not None:
            keys.discard(key)
            if not keys:
                del self._ends[partition][key[1][1]]

    def restore(self, partitions: set[int]) -> None:
        """Learn of the windows that came from the changelog; forget those of partitions that are another worker's."""
        for partition in self._ends.keys() - partitions:
            for book in (self._ends, self._clocks, self._closed):
                cast("dict[int, Any]", book).pop(partition, None)
        for partition in partitions:
            for key in self.store.keys_of(partition):
                self.note(self.table._to_key(key), partition)

    def now(self, partition: int) -> float:
        """A partition's clock, in seconds of event time."""
        start, since = self._clocks[partition]
        return start + monotonic() - since

    async def expire(self) -> None:
        """Close what is over, partition by partition: call `on_window_close`, then drop the row here and in the log."""
        stale = self.table.window.stale
        for partition, ends in list(self._ends.items()):
            over = sorted(end for end in ends if stale(end, self.now(partition)))
            closed = self._closed.get(partition, -1.0)
            for end in over:
                for key in list(ends.get(end, ())):
                    if self.transport.committer.fence is None or self.transport.app.rebalancing:
                        return  # not this worker's to write just now
                    await self._close(key, partition, tell=key[1][0] > closed)
                    self._closed[partition] = max(self._closed.get(partition, -1.0), key[1][0])

    async def _close(self, key: Any, partition: int, *, tell: bool) -> None:
        generation = self.transport.app.consumer_generation_id
        value = self.store.peek(partition, key)
        if value is None:
            return
        if tell:
            await self.table.on_window_close(key, value)
        if generation == self.transport.app.consumer_generation_id and self.store.peek(partition, key) == value:
            self.table.send_changelog(partition, key, None, value_serializer="raw")
            self.store.expire(partition, key)
            self.forget(key, partition)
