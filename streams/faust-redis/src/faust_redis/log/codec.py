"""Encode batches for the scripts, and decode entries and replies. Pure: bytes in, values out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

import msgpack
import orjson
from redis.exceptions import OutOfMemoryError, ResponseError

from faust_redis.log.errors import (
    BrokerUnsuitableError,
    DamagedPartitionError,
    FencedError,
    ForeignKeyError,
    IdempotencyConflictError,
    IncarnationError,
    LogError,
    LogUnavailableError,
    RolledBackError,
    RowGoneError,
    SourceMovedError,
    UnknownTopicError,
)
from faust_redis.log.records import (
    Cleanup,
    Fence,
    IdempotencyKey,
    Rows,
    StoredRecord,
    TopicInfo,
    TopicPartition,
    TopicSpec,
    View,
    Writable,
    WriteBatch,
    WriteId,
)

HEADER_PREFIX = b"h:"
TIMESTAMP_MS_MAX = 2**63 - 1
TIMESTAMP_MS_MIN = -TIMESTAMP_MS_MAX
TIMESTAMP_DIGITS_SAFE = 16
"""A timestamp of fewer characters fits into 64 bits, whatever its digits are."""

TIMESTAMP_DIGITS_MAX = 20


def identity(reply: Any, **_: Any) -> Any:
    """Return a reply unchanged."""
    return reply


def topic_info(name: str, reply: Sequence[bytes]) -> TopicInfo:
    """Return a topic from its hash fields."""
    partitions, cleanup, view, retention_ms, incarnation = (field.decode() for field in reply)
    spec = TopicSpec(name, int(partitions), cast("Cleanup", cleanup), cast("View", view), int(retention_ms))
    return TopicInfo(spec, incarnation)


def topic_partition(name: bytes) -> TopicPartition:
    """Parse ``topic:partition``."""
    topic, _, partition = name.decode().rpartition(":")
    return TopicPartition(topic, int(partition))


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
    out += (b"t", b"%d" % min(max(record.timestamp_ms, TIMESTAMP_MS_MIN), TIMESTAMP_MS_MAX))
    for name, value in record.headers:
        out += (HEADER_PREFIX + name.encode(), value)
    if record.writer:
        out += (b"w", record.writer)
    return out


def row_fields(rows: Rows) -> list[list[bytes]]:
    """Return rows as stream fields, each as `fields` returns a record."""
    tail = (b"t", b"%d" % rows.timestamp_ms, *((b"w", rows.writer) if rows.writer else ()))
    return [[b"k", key, *tail] if value is None else [b"k", key, b"v", value, *tail] for key, value in rows.items]


def stored(entry: Sequence[Any]) -> StoredRecord:
    """Return the record of a stream entry ``[id, [field, value, ...]]``.

    Raises:
        ValueError: the entry's id or its timestamp is not one that this log writes.
    """
    entry_id, parts = entry
    if not entry_id.startswith(b"0-"):
        raise ValueError(f"the entry {entry_id.decode()!r}, where this log's ids begin with '0-'")
    offset = int(entry_id[2:]) - 1
    if parts[::2] == [b"k", b"v", b"t"]:  # most are like this
        text = parts[5]
        timestamp_ms = int(text) if len(text) < TIMESTAMP_DIGITS_SAFE else _timestamp_ms(text)
        return StoredRecord(offset, timestamp_ms, parts[1], parts[3], (), b"")
    key = value = None
    writer = b""
    timestamp_ms = 0
    headers: list[tuple[str, bytes]] = []
    for i in range(0, len(parts), 2):
        name, content = parts[i], parts[i + 1]
        if name == b"k":
            key = content
        elif name == b"v":
            value = content
        elif name == b"t":
            timestamp_ms = _timestamp_ms(content)
        elif name.startswith(HEADER_PREFIX):
            headers.append((name[2:].decode(errors="replace"), content))
        elif name == b"w":
            writer = content
    return StoredRecord(offset, timestamp_ms, key, value, tuple(headers), writer)


def offset_of(entry_id: bytes, otherwise: int) -> int:
    """Return the offset of an entry; `otherwise` when its id is not one of this log's."""
    return int(entry_id[2:]) - 1 if entry_id.startswith(b"0-") else otherwise


def _timestamp_ms(text: bytes) -> int:
    """Return a timestamp. Refuse a text that is too long for a 64-bit number before parsing it."""
    if len(text) <= TIMESTAMP_DIGITS_MAX:
        timestamp_ms = int(text)
        if TIMESTAMP_MS_MIN <= timestamp_ms <= TIMESTAMP_MS_MAX:
            return timestamp_ms
    raise ValueError(f"an entry with the timestamp {text[:32]!r}, which is not a number of 64 bits")


def readable(
    tp: TopicPartition, entries: Sequence[Sequence[Any]]
) -> tuple[list[StoredRecord], DamagedPartitionError | None]:
    """Return the records of stream entries up to the first unreadable one, and that one's error."""
    records: list[StoredRecord] = []
    for entry in entries:
        try:
            records.append(stored(entry))
        except ValueError as exc:
            return records, DamagedPartitionError(*tp, f"its stream holds {exc}")
    return records, None


@dataclass(frozen=True, slots=True)
class CommitArguments:
    """The commit script's arguments, the stream of each record, and where in its stream each `Rows` ends."""

    argv: list[Any]
    stream_of: list[int]
    row_counts: list[tuple[int, int]]

    def offsets(self, bases: Sequence[int]) -> tuple[int, ...]:
        """Return the offset of each record, given the highwater of each stream before the write."""
        ends = list(bases)
        out = []
        for stream in self.stream_of:
            out.append(ends[stream])
            ends[stream] += 1
        return tuple(out)

    def row_ends(self, bases: Sequence[int]) -> tuple[int, ...]:
        """Return the offset of the last row of each `Rows`, given the same."""
        return tuple(bases[stream] + count - 1 for stream, count in self.row_counts)


def commit_arguments(
    prefix: str,
    batch: WriteBatch,
    infos: Mapping[str, TopicInfo],
    fence: Fence | None,
    write_id: WriteId | None,
    *,
    require: tuple[str, int, str] | None = None,
) -> CommitArguments:
    """Pack a batch for the commit script: its checks as JSON, its records by stream as MessagePack."""
    streams: dict[tuple[str, int | None], int] = {}
    stream_of: list[int] = []
    entries: list[list[list[bytes]]] = []
    for record in batch.records:
        place = (record.topic, record.partition)
        index = streams.get(place)
        if index is None:
            index = streams[place] = len(streams)
            entries.append([])
        stream_of.append(index)
        entries[index].append(fields(record))
    row_counts: list[tuple[int, int]] = []
    for rows in batch.rows:
        index = streams.setdefault((rows.topic, rows.partition), len(streams))
        if index == len(entries):
            entries.append([])
        entries[index] += row_fields(rows)
        row_counts.append((index, len(entries[index])))
    head: dict[str, Any] = {
        "streams": [[topic, partition, infos[topic].incarnation] for topic, partition in streams],
        "offsets": [
            [tp.topic, tp.partition, offset, *batch.preconditions.get(tp, (-1, "", 0))]
            for tp, offset in batch.offsets.items()
        ],
        **_write_id(write_id),
    }
    if fence is not None:
        head["fence"] = {"group": fence.group, "member": fence.member, "generation": fence.generation}
    if batch.group is not None:
        head["group"] = batch.group
    if batch.source_offsets is not None:
        steps = [[f"{tp.topic}:{tp.partition}", *step] for tp, step in batch.source_offsets.steps.items()]
        head["copied"] = {"name": batch.source_offsets.name, "steps": steps}
    if require is not None:
        head["require"] = require
    return CommitArguments([prefix, orjson.dumps(head), pack(entries)], stream_of, row_counts)


def _write_id(write_id: WriteId | None) -> dict[str, Any]:
    if write_id is None:
        return {}
    if isinstance(write_id, IdempotencyKey):
        return {"idempotency": {"name": write_id.name, "digest": write_id.digest, "ttl_ms": write_id.ttl_ms}}
    sequence = {"producer": write_id.producer, "number": write_id.number, "ttl_ms": write_id.ttl_ms}
    return {"sequence": sequence if write_id.after is None else sequence | {"after": write_id.after}}


def pack(entries: Sequence[Sequence[Sequence[bytes]]]) -> bytes:
    """Pack the records of each stream, each a list of fields, for the commit script."""
    packed: bytes = msgpack.packb(entries, use_bin_type=False)  # Lua has only raw strings
    return packed


def commit_result(reply: Sequence[bytes], topics: MutableMapping[str, TopicInfo]) -> tuple[list[int], bool]:
    """Return the highwaters before the write, and whether it was a recognised retry.

    Remove a topic from `topics` when the script found it unknown or of another incarnation.

    Raises:
        LogError: the script refused the batch.
    """
    status, *rest = (part.decode() for part in reply)
    if status == "OK":
        return orjson.loads(rest[0]), rest[1] == "again"
    if status in {"UNKNOWN", "INCARNATION"}:
        topics.pop(rest[0], None)
    raise _refusal(status, rest)


def _refusal(status: str, rest: Sequence[str]) -> LogError:
    if status == "FOREIGN":
        topic, partition, last, expected = rest
        return DamagedPartitionError(topic, int(partition), f"its stream ends at {last}, this log wrote to {expected}")
    if status == "WRONG_TYPE":
        return _wrong_type(*rest)
    kind, text = _REFUSALS[status]
    return kind(text.format(*rest))


_REFUSALS: Mapping[str, tuple[type[LogError], str]] = {
    "FENCED": (FencedError, "this writer's {0} is over; nothing was written. The member must rejoin its group."),
    "CONFLICT": (IdempotencyConflictError, "this idempotency key was used before with another body"),
    "GONE": (RowGoneError, "{0!r} no longer exists: another command replayed or dropped it first"),
    "UNKNOWN": (UnknownTopicError, "topic or partition {0!r} does not exist; start a worker, it creates the topics"),
    "ROLLED_BACK": (
        RolledBackError,
        "the broker has {1} of {0}, this member had {2}: the broker was restored to an earlier state, or lost writes",
    ),
    "MOVED": (SourceMovedError, "the source offset of {0} is {1}, not {2}: another process copies it, too"),
    "INCARNATION": (
        IncarnationError,
        "topic {0!r} was re-created since it was last seen (a flushed or restored broker?)",
    ),
}


def _wrong_type(key: str, found: str, expected: str, topic: str, partition: str) -> LogError:
    damage = f"key {key!r} holds a {found}, this log keeps a {expected} there"
    if topic:
        return DamagedPartitionError(topic, int(partition), damage)
    return ForeignKeyError(f"{damage}. Something else wrote it; stop that writer, then remove the key.")


def is_wrong_type(exc: ResponseError) -> bool:
    """Return whether the server refused a command because a key holds a value of another type."""
    return "WRONGTYPE" in str(exc)


@contextmanager
def foreign_key_named(key: str = "") -> Iterator[None]:
    """Raise `ForeignKeyError` when a command meets a value of another type; name the key if the server does not."""
    try:
        yield
    except ResponseError as exc:
        if not is_wrong_type(exc):
            raise
        where = f" (key {key!r})" if key else ""
        remedy = "Something else wrote the key; stop that writer, then run 'doctor'."
        raise ForeignKeyError(f"{exc}{where}. {remedy}") from exc


def raise_for_response(exc: ResponseError) -> None:
    """Raise our own error for a server error that the log knows; return for any other."""
    text = str(exc)
    if isinstance(exc, OutOfMemoryError) or "OOM" in text:
        raise LogUnavailableError("the broker is out of memory (maxmemory reached); free some or raise it") from exc
    if "READONLY" in text or "MISCONF" in text:
        raise LogUnavailableError(f"the broker refuses writes just now: {text}") from exc
    if "unknown command" in text.lower():
        raise BrokerUnsuitableError(f"the broker lacks a needed command: {text}; Redis 7.0 or later is needed") from exc
