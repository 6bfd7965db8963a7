"""Record batches: one stream entry holds many records of one write, packed by column and compressed.

An entry with several records has the fields ``n`` (how many) and ``z`` (the compressed columns). In a changelog it also
has ``w`` (the writer), in a topic that is not compacted ``o`` (the append number). Its id is the offset of its last
record + 1: `XREAD` after ``0-o`` returns the entry that holds `o`.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from itertools import repeat
from typing import Any, NamedTuple

import msgpack
import zstandard

from faust_redis.log.records import Columns, Headers, PackedBatch, Rows, StoredRecord, Writable

BATCH_RECORDS_MAX = 128
BATCH_BYTES_MAX = 65_536
"""Payload after which a batch takes no further record. A reader that needs one record reads the whole batch."""

UNPACKED_BYTES_MAX = 1 << 30
"""A record may be as large as the broker takes, 512 MiB."""
LEVEL = 1
TIMESTAMP_MS_MAX = 2**63 - 1
TIMESTAMP_MS_MIN = -TIMESTAMP_MS_MAX


class _Codecs(threading.local):
    """The compressor and decompressor of a thread; zstandard's must not be shared."""

    def __init__(self) -> None:
        self.compress = zstandard.ZstdCompressor(level=LEVEL).compress
        self.decompress = zstandard.ZstdDecompressor().decompress


_codecs = _Codecs()


class Batch(NamedTuple):
    """Records of one stream that share an entry: their columns, and their writer."""

    writer: bytes
    timestamps: list[int]
    keys: list[bytes | None]
    values: list[bytes | None]
    headers: list[Headers]

    def pack(self) -> bytes:
        """Return the compressed columns."""
        first = self.timestamps[0]
        times: Any = first if self.timestamps.count(first) == len(self.timestamps) else self.timestamps
        headers = self.headers if any(self.headers) else None
        return _codecs.compress(msgpack.packb((times, self.keys, self.values, headers)))


def within_64_bits(timestamp_ms: int) -> int:
    """Return a timestamp, or the nearest one that fits: a refused record would stop its writer's commit for good."""
    return min(max(timestamp_ms, TIMESTAMP_MS_MIN), TIMESTAMP_MS_MAX)


def batches_of(records: Sequence[Writable]) -> Iterator[Batch]:
    """Yield the records of one stream in batches of bounded size, each with one writer."""
    batch, size = Batch(b"", [], [], [], []), 0
    for record in records:
        if batch.keys and (
            record.writer != batch.writer or size > BATCH_BYTES_MAX or len(batch.keys) >= BATCH_RECORDS_MAX
        ):
            yield batch
            batch, size = Batch(record.writer, [], [], [], []), 0
        elif not batch.keys:
            batch = Batch(record.writer, [], [], [], [])
        batch.timestamps.append(within_64_bits(record.timestamp_ms))
        batch.keys.append(record.key)
        batch.values.append(record.value)
        batch.headers.append(record.headers)
        size += len(record.key or b"") + len(record.value or b"")
    if batch.keys:
        yield batch


def batches_of_columns(parts: Sequence[Columns]) -> Iterator[Batch]:
    """Yield the records of one stream in batches of bounded size."""
    timestamps = [within_64_bits(each) for part in parts for each in part.timestamps]
    keys = [key for part in parts for key in part.keys]
    yield from _cut(b"", timestamps, keys, [value for part in parts for value in part.values])


def batches_of_rows(rows: Rows) -> Iterator[Batch]:
    """Yield rows in batches of bounded size."""
    keys: list[bytes | None] = [key for key, _ in rows.items]
    timestamps = [within_64_bits(rows.timestamp_ms)] * len(keys)
    yield from _cut(rows.writer, timestamps, keys, [value for _, value in rows.items])


def _cut(writer: bytes, timestamps: list[int], keys: list[bytes | None], values: list[bytes | None]) -> Iterator[Batch]:
    begin = size = 0
    for i, (key, value) in enumerate(zip(keys, values, strict=True)):
        if i > begin and (size > BATCH_BYTES_MAX or i - begin >= BATCH_RECORDS_MAX):
            yield Batch(writer, timestamps[begin:i], keys[begin:i], values[begin:i], [()] * (i - begin))
            begin, size = i, 0
        size += len(key or b"") + len(value or b"")
    if begin < len(keys):
        yield Batch(writer, timestamps[begin:], keys[begin:], values[begin:], [()] * (len(keys) - begin))


def is_batch(parts: Sequence[bytes]) -> bool:
    """Return whether the fields of an entry are a batch's."""
    return len(parts) > 1 and parts[0] == b"n"


def count_of(parts: Sequence[bytes]) -> int:
    """Return how many records an entry with these fields holds.

    Raises:
        ValueError: the entry is a batch whose count is no number.
    """
    return int(parts[1]) if is_batch(parts) else 1


def unpack(end: int, parts: Sequence[bytes]) -> list[StoredRecord]:
    """Return the records of a batch that ends below the offset `end`.

    Raises:
        ValueError: the fields are not those of a batch.
    """
    by_name = dict(zip(parts[::2], parts[1::2], strict=True))
    count, packed = count_of(parts), PackedBatch.of(by_name.get(b"z", b""), end)
    if not 1 < count <= min(end, BATCH_RECORDS_MAX):
        raise ValueError(f"a batch of {str(count)[:20]} records that ends below offset {end}")
    order = int(by_name.get(b"o", 0))
    times, keys, values, headers = columns_of(packed, count)
    return list(
        map(
            StoredRecord,
            range(end - count, end),
            times,
            keys,
            values,
            headers,
            repeat(by_name.get(b"w", b""), count),
            repeat(packed, count),
            repeat(order, count),
        )
    )


def columns_of(packed: bytes, count: int) -> tuple[list[int], list[Any], list[Any], Iterable[Headers]]:
    """Return the timestamps, keys, values and headers of a packed batch.

    Raises:
        ValueError: it does not hold `count` records.
    """
    try:
        if not 0 < zstandard.frame_content_size(packed) <= UNPACKED_BYTES_MAX:
            raise ValueError("a batch of unknown or too large a size")
        times, keys, values, headers = msgpack.unpackb(_codecs.decompress(packed), strict_map_key=False)
        times = [times] * count if isinstance(times, int) else times
        heads = repeat((), count) if headers is None else [_headers(each) for each in headers]
        columns = [times, keys, values] + ([] if headers is None else [headers])
    except (zstandard.ZstdError, msgpack.exceptions.UnpackException, TypeError) as exc:
        raise ValueError(f"a batch of {count} records that cannot be unpacked: {exc}") from exc
    if any(not isinstance(column, list) or len(column) != count for column in columns):
        raise ValueError(f"a batch that does not hold the {count} records that it names")
    return times, keys, values, heads


def _headers(stored: Any) -> Headers:
    return tuple((name, value) for name, value in stored) if stored else ()
