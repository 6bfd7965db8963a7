"""Keep the rows of the library's RocksDB store in memory instead of in files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from faust_redis.driver.state.stores import Checkpoint

SCHEME = "faust-redis-rocksdb"


@dataclass(slots=True)
class Partition:
    """Hold the rows of one table's partition, and their checkpoint in the changelog."""

    rows: dict[bytes, bytes] = field(default_factory=dict)
    checkpoint: Checkpoint | None = None


class Disk:
    """Hold the disk of a worker. Its content survives a crash."""

    def __init__(self) -> None:
        self.partitions: dict[tuple[str, int], Partition] = {}


class OpenDisk:
    """Open a disk for one life of a worker, with the interface of `faust_redis.rocksdb.database.Database`."""

    def __init__(
        self,
        disk: Disk,
        *,
        before_write: Callable[[], bool] = lambda: True,
        after_write: Callable[[str, int], None] = lambda _table, _partition: None,
    ) -> None:
        self._disk = disk
        self._before_write = before_write
        self._after_write = after_write

    def _partition(self, table: str, partition: int) -> Partition:
        return self._disk.partitions.setdefault((table, partition), Partition())

    def get(self, table: str, partition: int, key: bytes) -> bytes | None:
        """Return a value, or None."""
        return self._partition(table, partition).rows.get(key)

    def write(
        self,
        table: str,
        partition: int,
        items: Iterable[tuple[bytes, bytes | None]],
        checkpoint: Checkpoint | None = None,
    ) -> None:
        """Write changes and their checkpoint, unless the worker has crashed."""
        if not self._before_write():
            return
        kept = self._partition(table, partition)
        for key, value in items:
            if value is None:
                kept.rows.pop(key, None)
            else:
                kept.rows[key] = value
        if checkpoint is not None:
            kept.checkpoint = checkpoint
        self._after_write(table, partition)

    def scan(
        self, table: str, partition: int, begin: bytes = b"", end: bytes | None = None
    ) -> Iterator[tuple[bytes, bytes]]:
        """Yield rows with keys from `begin` up to `end`, in byte order."""
        rows = self._partition(table, partition).rows.items()
        yield from sorted(row for row in rows if row[0] >= begin and (end is None or row[0] < end))

    def checkpoint(self, table: str, partition: int) -> Checkpoint | None:
        """Return the checkpoint of the rows."""
        return self._partition(table, partition).checkpoint

    def wipe(self, table: str, partition: int) -> None:
        """Drop a partition's rows."""
        if self._before_write():
            self._disk.partitions.pop((table, partition), None)

    def release(self) -> None:
        """Do nothing, because a simulated disk needs no closing."""


def use_disk(app: Any, disk: OpenDisk) -> None:
    """Keep the tables of the RocksDB store on a simulated disk. Tables in memory stay as they are.

    A store that the driver does not know is left alone: the driver itself refuses it when the app starts.
    """
    from faust_redis.rocksdb.store import RocksStore  # noqa: PLC0415 - an extra that an app without it must not need

    for table in app.tables.values():
        store = table.data
        inner = getattr(store, "storage", store)
        if isinstance(inner, RocksStore):
            inner._database = disk  # type: ignore[assignment]  # noqa: SLF001 - our own class
