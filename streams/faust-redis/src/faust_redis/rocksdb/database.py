"""Open one RocksDB per worker, shared by all its tables. This file handles keys and bytes and does not import Faust.

Row keys are ``<table> 0x00 <partition, 2 bytes> <key>``, so that a table's rows of a partition form one range.
"""

from __future__ import annotations

import logging
import shutil
import struct
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import ClassVar, NamedTuple

from rocksdict import BlockBasedOptions, Cache, Options, Rdict, WriteBatch

from faust_redis.driver.state.stores import Checkpoint, StoreFailedError

BLOCK_CACHE_BYTES = 64 * 1024 * 1024
BLOOM_BITS_A_KEY = 10
"""With 10 bits, one in a hundred reads of an absent key goes to disk. Most event ids are new, so this matters."""

WRITE_BUFFER_BYTES = 16 * 1024 * 1024
PARTITIONS_MAX = 1 << 16
SIZES = ("total-sst-files-size", "size-all-mem-tables", "block-cache-usage")
"""The properties of RocksDB that say what it occupies."""

DAMAGED = "DAMAGED"
"""Name of the marker file beside a database that could not be read."""

logger = logging.getLogger(__name__)

_CHECKPOINT_TABLE = "\x01reached"


def _options() -> Options:
    options = Options(raw_mode=True)
    options.create_if_missing(True)
    options.set_write_buffer_size(WRITE_BUFFER_BYTES)
    options.set_max_write_buffer_number(3)
    table = BlockBasedOptions()
    table.set_block_cache(Cache(BLOCK_CACHE_BYTES))
    table.set_bloom_filter(BLOOM_BITS_A_KEY, block_based=False)
    options.set_block_based_table_factory(table)
    return options


@cache
def partition_prefix(table: str, partition: int) -> bytes:
    """Return the prefix of every row key in a table's partition."""
    return table.encode() + b"\x00" + struct.pack(">H", partition)


class Sizes(NamedTuple):
    """What a database occupies, in bytes: its files, and its memory (write buffers and block cache)."""

    files: int
    memory: int


class Database:
    """An open RocksDB that all stores of a worker process share. The last store to release it closes it."""

    _open: ClassVar[dict[str, Database]] = {}

    def __init__(self, path: Path) -> None:
        path.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._db = Rdict(str(path), _options())
        self._lowest: dict[bytes, bytes] = {}
        """By partition prefix: a row key below which the partition has no rows. A scan from the beginning starts there.

        RocksDB steps over every deleted row until it compacts. In a table whose first rows are always the ones deleted,
        such as a queue, each scan would otherwise step over all of them.
        """
        self.users = 0

    @classmethod
    def acquire(cls, path: Path) -> Database:
        """Return the database at a path; open it unless this process already has it open.

        A corrupted database, or one of another format, is removed. The log holds all its rows.

        Raises:
            StoreFailedError: another process has it open, or it cannot be opened (disk space, permissions).
        """
        name = str(path)
        if name not in cls._open:
            cls._open[name] = cls._open_or_rebuild(path)
        database = cls._open[name]
        database.users += 1
        return database

    @classmethod
    def _open_or_rebuild(cls, path: Path) -> Database:
        if (path / DAMAGED).exists():
            return cls._rebuild(path)
        try:
            return cls(path)
        except Exception as exc:
            if "lock" in str(exc).lower():
                raise StoreFailedError(
                    f"the table store at {path} is in use by another process; give each worker its own data directory"
                ) from exc
            if "Corruption" not in str(exc) and "Invalid argument" not in str(exc):
                raise StoreFailedError(f"the table store at {path} cannot be opened: {exc}") from exc
            return cls._rebuild(path)

    @classmethod
    def _rebuild(cls, path: Path) -> Database:
        logger.warning("the table store at %s is damaged: removed, its rows are read from the log again", path)
        Rdict.destroy(str(path), _options())
        shutil.rmtree(path, ignore_errors=True)
        return cls(path)

    def release(self) -> None:
        """Release the database; the last user closes it."""
        self.users -= 1
        if self.users == 0:
            self._open.pop(str(self.path), None)
            self._db.close()

    def get(self, table: str, partition: int, key: bytes) -> bytes | None:
        """Return the value of a key, or None.

        Raises:
            StoreFailedError: the database cannot be read. All methods raise this error when the database fails.
        """
        try:
            value: bytes | None = self._db.get(partition_prefix(table, partition) + key)
        except Exception as exc:
            raise self._failed(exc) from exc
        return value

    def write(
        self,
        table: str,
        partition: int,
        items: Iterable[tuple[bytes, bytes | None]],
        checkpoint: Checkpoint | None = None,
    ) -> None:
        """Write changes and their checkpoint atomically.

        Args:
            table: The table's name.
            partition: The table's partition.
            items: Keys and values; None deletes the row.
            checkpoint: The checkpoint after the last change; None keeps the present one.
        """
        prefix = partition_prefix(table, partition)
        batch = WriteBatch(raw_mode=True)
        lowest = self._lowest.get(prefix, prefix)
        for key, value in items:
            row_key = prefix + key
            if value is None:
                batch.delete(row_key)
            else:
                batch.put(row_key, value)
                lowest = min(lowest, row_key)
        self._lowest[prefix] = lowest
        if checkpoint is not None:
            text = f"{checkpoint.incarnation}:{checkpoint.offset}:{checkpoint.writer.hex()}"
            batch.put(self._checkpoint_key(table, partition), text.encode())
        self._write(batch)

    def scan(
        self, table: str, partition: int, begin: bytes = b"", end: bytes | None = None
    ) -> Iterator[tuple[bytes, bytes]]:
        """Iterate over the rows with keys from `begin` up to, but not including, `end`, in byte order of the keys.

        None as `end` includes all rows from `begin` on.
        """
        head = partition_prefix(table, partition)
        start, stop = head + begin, after_prefix(head) if end is None else head + end
        try:
            rows = self._db.iter()
            lowest = self._lowest.get(head, head)
            rows.seek(max(start, lowest))
            if start <= lowest:
                rows.status()
                self._lowest[head] = rows.key() if rows.valid() else stop
            while rows.valid() and (key := rows.key()) < stop:
                yield key[len(head) :], rows.value()
                rows.next()
            rows.status()
        except GeneratorExit:
            raise
        except Exception as exc:
            raise self._failed(exc) from exc

    def checkpoint(self, table: str, partition: int) -> Checkpoint | None:
        """Return the checkpoint of a partition's rows; None when there is none."""
        text = self.get(_CHECKPOINT_TABLE + table, partition, b"")
        if text is None:
            return None
        incarnation, offset, writer = text.decode().split(":")
        return Checkpoint(incarnation, int(offset), bytes.fromhex(writer))

    def sizes(self) -> Sizes:
        """Return what the database occupies."""
        try:
            files, buffers, cache = (self._db.property_int_value(f"rocksdb.{name}") or 0 for name in SIZES)
        except Exception as exc:
            raise self._failed(exc) from exc
        return Sizes(files, buffers + cache)

    def wipe(self, table: str, partition: int) -> None:
        """Delete a partition's rows and its checkpoint."""
        batch = WriteBatch(raw_mode=True)
        batch.delete_range(partition_prefix(table, partition), after_prefix(partition_prefix(table, partition)))
        batch.delete(self._checkpoint_key(table, partition))
        self._write(batch)

    def _write(self, batch: WriteBatch) -> None:
        try:
            self._db.write(batch)
        except Exception as exc:
            raise self._failed(exc) from exc

    def _failed(self, exc: Exception) -> StoreFailedError:
        if "Corruption" in str(exc):
            (self.path / DAMAGED).touch()  # the next process to open the database then rebuilds it
        return StoreFailedError(f"the table store at {self.path} failed: {exc}. What it holds is in the log, too.")

    @staticmethod
    def _checkpoint_key(table: str, partition: int) -> bytes:
        return partition_prefix(_CHECKPOINT_TABLE + table, partition)


def after_prefix(prefix: bytes) -> bytes:
    """Return the lowest key above all keys with this prefix. The prefix must contain a byte other than 0xff."""
    kept = prefix.rstrip(b"\xff")
    return kept[:-1] + bytes([kept[-1] + 1])
