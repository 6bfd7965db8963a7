"""Encode a write for the commit script. Pure: values in, bytes out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import msgpack
import orjson

from faust_redis.log.codec import HEADER_PREFIX
from faust_redis.log.rankings import RankingChanges, changes_of
from faust_redis.log.record_batches import Batch, batches_of, batches_of_columns, batches_of_rows, within_64_bits
from faust_redis.log.records import (
    OFFSET_UNKNOWN,
    Columns,
    Fence,
    IdempotencyKey,
    Record,
    Rows,
    TopicInfo,
    Writable,
    WriteBatch,
    WriteId,
)


def fields(record: Writable) -> list[bytes]:
    """Return a record as stream fields: k, v, t, then headers and w (writer). Absent ones are left out.

    A timestamp that does not fit into 64 bits becomes the nearest one that does: a refused record would stop its
    writer's whole commit, again and again.
    """
    out: list[bytes] = []
    if record.key is not None:
        out += (b"k", record.key)
    if record.value is not None:
        out += (b"v", record.value)
    out += (b"t", b"%d" % within_64_bits(record.timestamp_ms))
    for name, value in record.headers:
        out += (HEADER_PREFIX + name.encode(), value)
    if record.writer:
        out += (b"w", record.writer)
    return out


@dataclass(frozen=True, slots=True)
class CommitArguments:
    """The commit script's arguments, the stream of each record, and where in its stream each `Rows` ends."""

    argv: list[Any]
    stream_of: list[int]
    row_counts: list[tuple[int, int]]

    def offsets(self, bases: Sequence[int]) -> tuple[int, ...]:
        """Return the offset of each record, given the highwater of each stream before the write.

        A retry may have more streams than its first write, which had fewer partitions. Then they are not known.
        """
        if max(self.stream_of, default=-1) >= len(bases):
            return (OFFSET_UNKNOWN,) * len(self.stream_of)
        ends = list(bases)
        out = []
        for stream in self.stream_of:
            out.append(ends[stream])
            ends[stream] += 1
        return tuple(out)

    def row_ends(self, bases: Sequence[int]) -> tuple[int, ...]:
        """Return the offset of the last row of each `Rows`, given the same."""
        return tuple(bases[stream] + count - 1 for stream, count in self.row_counts)


class _Stream:
    """What one write appends to one stream: records, then columns, then rows."""

    __slots__ = ("columns", "count", "number", "records", "rows")

    def __init__(self, number: int) -> None:
        self.number = number
        self.count = 0
        self.records: list[Writable] = []
        self.columns: list[Columns] = []
        self.rows: list[Rows] = []

    def entries(self) -> tuple[list[tuple[int, bool]], list[bytes]]:
        """Return how many records each entry holds and whether a batch has a writer, and the payloads.

        A payload is the fields of a single record, or a packed batch; the writer of a batch follows.
        """
        heads: list[tuple[int, bool]] = []
        payloads: list[bytes] = []
        batches = [*batches_of(self.records), *batches_of_columns(self.columns)]
        batches += [batch for rows in self.rows for batch in batches_of_rows(rows)]
        for batch in batches:
            count = len(batch.keys)
            heads.append((count, count > 1 and bool(batch.writer)))
            payloads.append(batch.pack() if count > 1 else packed_parts(_fields_of(batch)))
            if count > 1 and batch.writer:
                payloads.append(batch.writer)
        return heads, payloads

    def final_rows(self) -> dict[bytes, bytes | None]:
        """Return the last value of each key."""
        last: dict[bytes, bytes | None] = {
            record.key: record.value for record in self.records if record.key is not None
        }
        for columns in self.columns:
            sent = zip(columns.keys, columns.values, strict=True)
            last.update((key, value) for key, value in sent if key is not None)
        for rows in self.rows:
            last.update(rows.items)
        return last


def _add_record(streams: dict[tuple[str, int], _Stream], record: Writable) -> int:
    """Add a record to its stream; return the stream's number."""
    place = record.topic, cast("int", record.partition)  # its topic's partitioner has set it
    stream = streams.get(place)
    if stream is None:
        stream = streams[place] = _Stream(len(streams))
    stream.records.append(record)
    stream.count += 1
    return stream.number


def _add_columns(streams: dict[tuple[str, int], _Stream], columns: Columns) -> None:
    """Add columns to their stream."""
    place = columns.topic, cast("int", columns.partition)
    stream = streams.setdefault(place, _Stream(len(streams)))
    stream.columns.append(columns)
    stream.count += len(columns.keys)


def _add_rows(streams: dict[tuple[str, int], _Stream], rows: Rows) -> tuple[int, int]:
    """Add rows to their stream; return its number, and how many records it has then."""
    stream = streams.setdefault((rows.topic, rows.partition), _Stream(len(streams)))
    stream.rows.append(rows)
    stream.count += len(rows.items)
    return stream.number, stream.count


def _fields_of(batch: Batch) -> list[bytes]:
    [timestamp_ms], [key], [value], [headers] = batch.timestamps, batch.keys, batch.values, batch.headers
    return fields(Record("", 0, key, value, timestamp_ms, headers, batch.writer))


def commit_arguments(
    prefix: str,
    batch: WriteBatch,
    infos: Mapping[str, TopicInfo],
    fence: Fence | None,
    write_id: WriteId | None,
    *,
    require: tuple[str, int, str] | None = None,
) -> CommitArguments:
    """Pack a batch for the commit script: its checks as JSON, then the payloads of each stream.

    A stream's payloads are its entries, for a compacted topic the last value of each key, and for a ranked topic the
    changes of its rankings.
    """
    streams: dict[tuple[str, int], _Stream] = {}
    stream_of = [_add_record(streams, record) for record in batch.records]
    for columns in batch.columns:
        _add_columns(streams, columns)
    row_counts = [_add_rows(streams, rows) for rows in batch.rows]
    heads: list[Any] = []
    payloads: list[bytes] = []
    for (topic, partition), stream in streams.items():
        entries, packed = stream.entries()
        spec = infos[topic].spec
        heads.append(
            [topic, partition, infos[topic].incarnation, entries, spec.compacted, batch.counted or spec.partitions]
        )
        payloads += packed
        if spec.compacted:
            rows = stream.final_rows()
            payloads.append(packed_rows(rows))
            if spec.view == "rank":
                payloads.append(packed_rankings(changes_of(rows, partition)))
    head = {"streams": heads, **_checks(batch, fence), **_write_id(write_id)}
    if require is not None:
        head["require"] = require
    return CommitArguments([prefix, orjson.dumps(head), *payloads], stream_of, row_counts)


def _checks(batch: WriteBatch, fence: Fence | None) -> dict[str, Any]:
    """Return the offsets of a write, and what must hold for it."""
    head: dict[str, Any] = {
        "offsets": [
            [tp.topic, tp.partition, offset, *batch.preconditions.get(tp, (-1, "", 0, 0))]
            for tp, offset in batch.offsets.items()
        ]
    }
    if fence is not None:
        head["fence"] = {"group": fence.group, "member": fence.member, "generation": fence.generation}
    if batch.group is not None:
        head["group"] = batch.group
    if batch.resize is not None:
        head["resize"] = batch.resize
    if batch.elsewhere:
        head["elsewhere"] = list(batch.elsewhere.items())
    if (copied := batch.source_offsets) is not None:
        steps = [[f"{tp.topic}:{tp.partition}", *step] for tp, step in copied.steps.items()]
        head["copied"] = {"name": copied.name, "steps": steps}
        head["forwarded"] = copied.forwarded
    return head


def _write_id(write_id: WriteId | None) -> dict[str, Any]:
    if write_id is None:
        return {}
    if isinstance(write_id, IdempotencyKey):
        return {"idempotency": {"name": write_id.name, "digest": write_id.digest, "ttl_ms": write_id.ttl_ms}}
    sequence = {"producer": write_id.producer, "number": write_id.number, "ttl_ms": write_id.ttl_ms}
    return {"sequence": sequence if write_id.after is None else sequence | {"after": write_id.after}}


def packed_rows(rows: Mapping[bytes, bytes | None]) -> bytes:
    """Pack rows for a script: keys and values in turn; False is a tombstone."""
    return packed_parts([part for key, value in rows.items() for part in (key, False if value is None else value)])


def packed_rankings(changes: RankingChanges) -> bytes:
    """Pack changes of rankings for a script: a list of rankings and their members in turn, and the removed keys."""
    return packed_parts([[part for change in changes.scored.items() for part in change], changes.removed])


def packed_parts(parts: Sequence[Any]) -> bytes:
    """Pack a list for a script."""
    packed: bytes = msgpack.packb(parts, use_bin_type=False)  # Lua has only raw strings
    return packed
