"""A worker's local rows: a stand-in for RocksDB that outlives its process. Writes are atomic, like its batches."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from faust_redis.driver.stores import Checkpoint
from faust_redis.rocksdb.store import RocksStore


@dataclass(slots=True)
class Partition:
    """Rows of one table's partition, and the changelog position they reach."""

    rows: dict[bytes, bytes] = field(default_factory=dict)
    reached: Checkpoint | None = None


class Disk:
    """What survives a crash."""

    def __init__(self) -> None:
        self.partitions: dict[tuple[str, int], Partition] = {}


class OpenDisk:
    """One process's hold on its disk: `faust_redis.rocksdb.database.Database` without RocksDB."""

    def __init__(
        self, disk: Disk, *, before_write: Callable[[], bool], after_write: Callable[[str, int], None]
    ) -> None:
        self._disk = disk
        self._before_write = before_write
        self._after_write = after_write

    def _partition(self, table: str, partition: int) -> Partition:
        return self._disk.partitions.setdefault((table, partition), Partition())

    def get(self, table: str, partition: int, key: bytes) -> bytes | None:
        """A value, or None."""
        return self._partition(table, partition).rows.get(key)

    def write(
        self,
        table: str,
        partition: int,
        items: Iterable[tuple[bytes, bytes | None]],
        reached: Checkpoint | None = None,
    ) -> None:
        """Write changes and what they reach, unless the process is dead."""
        if not self._before_write():
            return
        kept = self._partition(table, partition)
        for key, value in items:
            if value is None:
                kept.rows.pop(key, None)
            else:
                kept.rows[key] = value
        if reached is not None:
            kept.reached = reached
        self._after_write(table, partition)

    def scan(
        self, table: str, partition: int, begin: bytes = b"", end: bytes | None = None
    ) -> Iterator[tuple[bytes, bytes]]:
        """Rows with keys from `begin` up to `end`, in byte order."""
        rows = self._partition(table, partition).rows.items()
        yield from sorted(row for row in rows if row[0] >= begin and (end is None or row[0] < end))

    def reached(self, table: str, partition: int) -> Checkpoint | None:
        """What the rows reach."""
        return self._partition(table, partition).reached

    def wipe(self, table: str, partition: int) -> None:
        """Drop a partition's rows."""
        if self._before_write():
            self._disk.partitions.pop((table, partition), None)


class SimulatedStore(RocksStore):
    """The production table store on a simulated disk."""

    def __init__(self, app: Any, table: str, changelog: str, database: OpenDisk) -> None:
        self.app = app
        self.table = SimpleNamespace(
            changelog_topic=SimpleNamespace(get_topic_name=lambda: changelog), use_partitioner=False, is_global=False
        )  # type: ignore[assignment]
        self.table_name = table
        self._database = database  # type: ignore[assignment]
        self._overlay = {}
        self._partitions = set()
