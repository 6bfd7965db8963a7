"""One RocksDB a worker, shared by all its tables. Knows keys and bytes; nothing of Faust.

Row keys are ``<table> 0x00 <partition, 2 bytes> <key>``, so that one table's partition is one contiguous range.
"""

from __future__ import annotations

import logging
import shutil
import struct
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import ClassVar

from rocksdict import BlockBasedOptions, Cache, Options, Rdict, WriteBatch

from faust_redis.driver.state.stores import Checkpoint, StoreFailedError

BLOCK_CACHE_BYTES = 64 * 1024 * 1024
BLOOM_BITS_A_KEY = 10
"""A key that is not there is then looked for on disk in one of a hundred reads: most ids of events are new."""

WRITE_BUFFER_BYTES = 16 * 1024 * 1024
PARTITIONS_MAX = 1 << 16
DAMAGED = "DAMAGED"
"""A file with this name says that the database beside it could not be read."""

logger = logging.getLogger(__name__)

_REACHED_TABLE = "\x01reached"


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
    """What every row key of one table's partition begins with."""
    return table.encode() + b"\x00" + struct.pack(">H", partition)


class Database:
    """An open RocksDB, shared by the stores of one worker process and closed with the last of them."""

    _open: ClassVar[dict[str, Database]] = {}

    def __init__(self, path: Path) -> None:
        path.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._db = Rdict(str(path), _options())
        self.users = 0

    @classmethod
    def acquire(cls, path: Path) -> Database:
        """The database at a path, opened when nobody in this process has it open.

        A database that cannot be read (corrupted, or of another format) is removed: the log has everything in it.

        Raises:
            StoreFailedError: when another process holds it, or it cannot be opened for want of space or rights.
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
        """Give the database back; the last one closes it."""
        self.users -= 1
        if self.users == 0:
            self._open.pop(str(self.path), None)
            self._db.close()

    def get(self, table: str, partition: int, key: bytes) -> bytes | None:
        """A value, or None.

        Raises:
            StoreFailedError: when it cannot be read; so do all methods.
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
        reached: Checkpoint | None = None,
    ) -> None:
        """Write changes (None deletes) and what they reach in the changelog, atomically.

        Args:
            table: The table's name.
            partition: Its partition.
            items: Keys and values.
            reached: Where the last change stands in the changelog; None leaves it as it is.
        """
        prefix = partition_prefix(table, partition)
        batch = WriteBatch(raw_mode=True)
        for key, value in items:
            if value is None:
                batch.delete(prefix + key)
            else:
                batch.put(prefix + key, value)
        if reached is not None:
            text = f"{reached.incarnation}:{reached.offset}:{reached.writer.hex()}"
            batch.put(self._reached_key(table, partition), text.encode())
        self._write(batch)

    def scan(
        self, table: str, partition: int, begin: bytes = b"", end: bytes | None = None
    ) -> Iterator[tuple[bytes, bytes]]:
        """Keys from `begin` up to, not including, `end` (None for all that follow), and their values, in byte order."""
        head = partition_prefix(table, partition)
        stop = after_prefix(head) if end is None else head + end
        try:
            rows = self._db.iter()
            rows.seek(head + begin)
            while rows.valid() and (key := rows.key()) < stop:
                yield key[len(head) :], rows.value()
                rows.next()
            rows.status()
        except GeneratorExit:
            raise
        except Exception as exc:
            raise self._failed(exc) from exc

    def reached(self, table: str, partition: int) -> Checkpoint | None:
        """What the partition's rows reach in the changelog; None when nothing is kept."""
        text = self.get(_REACHED_TABLE + table, partition, b"")
        if text is None:
            return None
        incarnation, offset, writer = text.decode().split(":")
        return Checkpoint(incarnation, int(offset), bytes.fromhex(writer))

    def wipe(self, table: str, partition: int) -> None:
        """Delete a partition's rows and what they reach."""
        batch = WriteBatch(raw_mode=True)
        batch.delete_range(partition_prefix(table, partition), after_prefix(partition_prefix(table, partition)))
        batch.delete(self._reached_key(table, partition))
        self._write(batch)

    def _write(self, batch: WriteBatch) -> None:
        try:
            self._db.write(batch)
        except Exception as exc:
            raise self._failed(exc) from exc

    def _failed(self, exc: Exception) -> StoreFailedError:
        if "Corruption" in str(exc):
            (self.path / DAMAGED).touch()  # the next to open it begins anew
        return StoreFailedError(f"the table store at {self.path} failed: {exc}. What it holds is in the log, too.")

    @staticmethod
    def _reached_key(table: str, partition: int) -> bytes:
        return partition_prefix(_REACHED_TABLE + table, partition)


def after_prefix(prefix: bytes) -> bytes:
    """The first key above every key with this prefix, which is not all 0xff: it begins with a name."""
    kept = prefix.rstrip(b"\xff")
    return kept[:-1] + bytes([kept[-1] + 1])
