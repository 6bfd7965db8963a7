"""One RocksDB a worker, shared by all its tables. Knows keys and bytes; nothing of Faust.

Row keys are ``<table> 0x00 <partition, 2 bytes> <key>``, so that one table's partition is one contiguous range.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import ClassVar

from rocksdict import BlockBasedOptions, Cache, Options, Rdict, WriteBatch

from streams.driver.stores import Reached

BLOCK_CACHE_BYTES = 64 * 1024 * 1024
WRITE_BUFFER_BYTES = 16 * 1024 * 1024
PARTITIONS_MAX = 1 << 16

_REACHED_TABLE = "\x01reached"


def _options() -> Options:
    options = Options(raw_mode=True)
    options.create_if_missing(True)
    options.set_write_buffer_size(WRITE_BUFFER_BYTES)
    options.set_max_write_buffer_number(3)
    table = BlockBasedOptions()
    table.set_block_cache(Cache(BLOCK_CACHE_BYTES))
    options.set_block_based_table_factory(table)
    return options


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
        self._users = 0

    @classmethod
    def acquire(cls, path: Path) -> Database:
        """The database at a path, opened when nobody in this process has it open.

        A database that cannot be read (corrupted, or of another format) is set aside by removing it: the log has
        everything in it.

        Raises:
            RuntimeError: when another process holds it.
        """
        name = str(path)
        if name not in cls._open:
            cls._open[name] = cls._open_or_rebuild(path)
        database = cls._open[name]
        database._users += 1  # noqa: SLF001 - our own class
        return database

    @classmethod
    def _open_or_rebuild(cls, path: Path) -> Database:
        try:
            return cls(path)
        except Exception as exc:
            if "lock" in str(exc).lower():
                raise RuntimeError(
                    f"the table store at {path} is in use by another process; give each worker its own data directory"
                ) from exc
            if "Corruption" not in str(exc) and "Invalid argument" not in str(exc):
                raise
            Rdict.destroy(str(path), _options())
            return cls(path)

    def release(self) -> None:
        """Give the database back; the last one closes it."""
        self._users -= 1
        if self._users == 0:
            self._open.pop(str(self.path), None)
            self._db.close()

    def get(self, table: str, partition: int, key: bytes) -> bytes | None:
        """A value, or None."""
        value: bytes | None = self._db.get(partition_prefix(table, partition) + key)
        return value

    def write(
        self,
        table: str,
        partition: int,
        items: Iterable[tuple[bytes, bytes | None]],
        reached: Reached | None = None,
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
        self._db.write(batch)

    def scan(self, table: str, partition: int, prefix: bytes = b"") -> Iterator[tuple[bytes, bytes]]:
        """Keys that begin with `prefix` and their values, in byte order."""
        head = partition_prefix(table, partition)
        rows = self._db.iter()
        rows.seek(head + prefix)
        while rows.valid():
            key: bytes = rows.key()
            if not key.startswith(head + prefix):
                break
            yield key[len(head) :], rows.value()
            rows.next()

    def reached(self, table: str, partition: int) -> Reached | None:
        """What the partition's rows reach in the changelog; None when nothing is kept."""
        text: bytes | None = self._db.get(self._reached_key(table, partition))
        if text is None:
            return None
        incarnation, offset, writer = text.decode().split(":")
        return Reached(incarnation, int(offset), bytes.fromhex(writer))

    def wipe(self, table: str, partition: int) -> None:
        """Delete a partition's rows and what they reach."""
        batch = WriteBatch(raw_mode=True)
        batch.delete_range(partition_prefix(table, partition), _after(partition_prefix(table, partition)))
        batch.delete(self._reached_key(table, partition))
        self._db.write(batch)

    @staticmethod
    def _reached_key(table: str, partition: int) -> bytes:
        return partition_prefix(_REACHED_TABLE + table, partition)


def _after(prefix: bytes) -> bytes:
    """The first key above every key with this prefix, which is not all 0xff: it begins with a name."""
    kept = prefix.rstrip(b"\xff")
    return kept[:-1] + bytes([kept[-1] + 1])
