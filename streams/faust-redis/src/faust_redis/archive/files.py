"""Segments as Parquet files: a row for each record, in the order of their offsets.

| Column | Type | Holds |
|---|---|---|
| `offset` | int64 | the record's offset |
| `timestamp_ms` | int64 | its event time |
| `append_number` | int64 | its place among all topics of the partition number; 0 in a compacted topic |
| `key`, `value` | binary | null when absent |
| `headers` | list of name and value | null without headers |
| `writer` | binary | who wrote it to a changelog; null elsewhere |
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Protocol

import msgpack
import pyarrow as pa
from pyarrow import parquet

from faust_redis.archive.errors import DamagedFileError
from faust_redis.log.records import ARCHIVED, StoredRecord

ROWS_MAX = 4_096
"""Most records of a row group, which is what a reader decodes at a time."""
BYTES_MAX = 4 << 20
"""Keys and values of a row group after which it takes no further record."""
DIGEST_BYTES = 16
COMPRESSION = "zstd"
LEVEL = 3
SCHEMA = pa.schema(
    [
        pa.field("offset", pa.int64(), nullable=False),
        pa.field("timestamp_ms", pa.int64(), nullable=False),
        pa.field("append_number", pa.int64(), nullable=False),
        pa.field("key", pa.binary()),
        pa.field("value", pa.binary()),
        pa.field("headers", pa.list_(pa.struct([("name", pa.string()), ("value", pa.binary())]))),
        pa.field("writer", pa.binary()),
    ]
)


class Digest:
    """The digest of consecutive records: all of their fields, in their order."""

    def __init__(self) -> None:
        self._hash = hashlib.blake2b(digest_size=DIGEST_BYTES)
        self.first: int | None = None
        self.end = 0

    def add(self, records: Iterable[StoredRecord]) -> None:
        """Add the next records.

        Raises:
            DamagedFileError: an offset is missing before one of them.
        """
        for record in records:
            if self.first is None:
                self.first = self.end = record.offset
            if record.offset != self.end:
                raise DamagedFileError(f"record {record.offset} follows where {self.end} was next")
            self.end += 1
            fields = (record.offset, record.timestamp_ms, record.order, record.key, record.value)
            self._hash.update(msgpack.packb((*fields, record.headers, record.writer)))

    def text(self) -> str:
        """Return the digest in hexadecimal."""
        return self._hash.hexdigest()


class Readable(Protocol):
    """A Parquet file that is open."""

    @property
    def num_row_groups(self) -> int:
        """Return the number of row groups."""


def row_groups(records: Iterable[StoredRecord]) -> Iterator[list[StoredRecord]]:
    """Divide records into row groups."""
    group: list[StoredRecord] = []
    size = 0
    for record in records:
        group.append(record)
        size += len(record.key or b"") + len(record.value or b"")
        if len(group) >= ROWS_MAX or size >= BYTES_MAX:
            yield group
            group, size = [], 0
    if group:
        yield group


def write(file: Any, records: Iterable[StoredRecord]) -> str:
    """Write records as a segment into an open file, a row group at a time; return their digest.

    Raises:
        DamagedFileError: an offset is missing.
    """
    digest = Digest()
    with parquet.ParquetWriter(
        file,
        SCHEMA,
        compression=COMPRESSION,
        compression_level=LEVEL,
        use_dictionary=["writer"],
        write_statistics=["offset", "timestamp_ms", "append_number"],
    ) as writer:
        for group in row_groups(records):
            digest.add(group)
            writer.write_table(_table(group), row_group_size=len(group))
    return digest.text()


def open_file(file: Any) -> Readable:
    """Read the index of a segment.

    Raises:
        DamagedFileError: it cannot be read.
    """
    try:
        found: Readable = parquet.ParquetFile(file)
    except (pa.ArrowInvalid, OSError) as exc:
        raise DamagedFileError(f"it is no Parquet file: {exc}") from exc
    return found


def group_ends(segment: Any, first: int) -> list[int]:
    """Return the offset after the last record of each row group of an open segment."""
    ends, end = [], first
    for number in range(segment.num_row_groups):
        end += segment.metadata.row_group(number).num_rows
        ends.append(end)
    return ends


def read_group(segment: Any, number: int) -> list[StoredRecord]:
    """Return the records of a row group of an open segment.

    Raises:
        DamagedFileError: it cannot be read.
    """
    try:
        table = segment.read_row_group(number, use_threads=False)
        columns: Sequence[list[Any]] = [table.column(field.name).to_pylist() for field in SCHEMA]
    except (pa.ArrowException, KeyError, OSError, UnicodeDecodeError) as exc:
        raise DamagedFileError(f"row group {number} cannot be read: {exc}") from exc
    return [
        StoredRecord(
            offset,
            timestamp_ms,
            key,
            value,
            () if headers is None else tuple((one["name"], one["value"]) for one in headers),
            writer or b"",
            ARCHIVED,
            order,
        )
        for offset, timestamp_ms, order, key, value, headers, writer in zip(*columns, strict=True)
    ]


def read_all(segment: Readable) -> Iterator[StoredRecord]:
    """Yield all records of an open segment. Errors are those of `read_group`."""
    for number in range(segment.num_row_groups):
        yield from read_group(segment, number)


def _table(records: Sequence[StoredRecord]) -> Any:
    headers = [[{"name": name, "value": value} for name, value in one.headers] or None for one in records]
    columns = (
        [record.offset for record in records],
        [record.timestamp_ms for record in records],
        [record.order for record in records],
        [record.key for record in records],
        [record.value for record in records],
        headers,
        [record.writer or None for record in records],
    )
    arrays = [pa.array(values, field.type) for values, field in zip(columns, SCHEMA, strict=True)]
    return pa.Table.from_arrays(arrays, schema=SCHEMA)
