"""How records, batches and replies look on the wire. Pure: bytes in, values out."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import msgpack
import orjson
from redis.exceptions import OutOfMemoryError, ResponseError

from faust_redis.log.errors import (
    BrokerUnsuitableError,
    FencedError,
    ForeignStreamError,
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
    Rows,
    StoredRecord,
    TopicInfo,
    TopicPartition,
    TopicSpec,
    Transaction,
    View,
    Writable,
    WriteBatch,
)

HEADER_PREFIX = b"h:"


def identity(reply: Any, **_: Any) -> Any:
    """A reply as it came."""
    return reply


def topic_info(name: str, reply: Sequence[bytes]) -> TopicInfo:
    """A topic from its hash fields."""
    partitions, cleanup, view, retention_ms, incarnation = (field.decode() for field in reply)
    spec = TopicSpec(name, int(partitions), cast("Cleanup", cleanup), cast("View", view), int(retention_ms))
    return TopicInfo(spec, incarnation)


def topic_partition(name: bytes) -> TopicPartition:
    """``topic:partition`` as a pair."""
    topic, _, partition = name.decode().rpartition(":")
    return TopicPartition(topic, int(partition))


def fields(record: Writable) -> list[bytes]:
    """A record as stream fields: k, v, t, then headers and w (writer); what is absent is left out."""
    out: list[bytes] = []
    if record.key is not None:
        out += (b"k", record.key)
    if record.value is not None:
        out += (b"v", record.value)
    out += (b"t", b"%d" % record.timestamp_ms)
    for name, value in record.headers:
        out += (HEADER_PREFIX + name.encode(), value)
    if record.writer:
        out += (b"w", record.writer)
    return out


def row_fields(rows: Rows) -> list[list[bytes]]:
    """Rows likewise."""
    tail = (b"t", b"%d" % rows.timestamp_ms, *((b"w", rows.writer) if rows.writer else ()))
    return [[b"k", key, *tail] if value is None else [b"k", key, b"v", value, *tail] for key, value in rows.items]


def stored(entry: Sequence[Any]) -> StoredRecord:
    """A record from a stream entry ``[id, [field, value, ...]]``.

    Raises:
        ForeignStreamError: when the entry's id is not one of this log's (its first half must be 0).
    """
    entry_id, parts = entry
    if not entry_id.startswith(b"0-"):
        raise ForeignStreamError(
            f"a stream holds the entry {entry_id.decode()!r}, which this log did not write (its ids begin with '0-'). "
            "Remove the foreign writer and re-create the topic."
        )
    if parts[::2] == [b"k", b"v", b"t"]:  # most are like this
        return StoredRecord(int(entry_id[2:]) - 1, int(parts[5]), parts[1], parts[3], (), b"")
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
            timestamp_ms = int(content)
        elif name.startswith(HEADER_PREFIX):
            headers.append((name[2:].decode(), content))
        elif name == b"w":
            writer = content
    return StoredRecord(int(entry_id[2:]) - 1, timestamp_ms, key, value, tuple(headers), writer)


@dataclass(frozen=True, slots=True)
class CommitArguments:
    """A batch as the commit script's arguments, which stream each record went to, and where in theirs rows end."""

    argv: list[Any]
    stream_of: list[int]
    row_counts: list[tuple[int, int]]

    def offsets(self, bases: Sequence[int]) -> tuple[int, ...]:
        """Offset of each record, given the highwater of each stream before the write."""
        ends = list(bases)
        out = []
        for stream in self.stream_of:
            out.append(ends[stream])
            ends[stream] += 1
        return tuple(out)

    def row_ends(self, bases: Sequence[int]) -> tuple[int, ...]:
        """Offset of the last row of each `Rows`, likewise."""
        return tuple(bases[stream] + count - 1 for stream, count in self.row_counts)


def commit_arguments(
    prefix: str,
    batch: WriteBatch,
    infos: Mapping[str, TopicInfo],
    fence: Fence | None,
    transaction: Transaction | None,
    *,
    require: tuple[str, int, str] | None = None,
) -> CommitArguments:
    """Pack a batch for the commit script: what is to be checked as JSON, the records by stream as MessagePack."""
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
            [tp.topic, tp.partition, offset, *batch.preconditions.get(tp, (-1, ""))]
            for tp, offset in batch.offsets.items()
        ],
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
    if transaction is not None:
        head["txn"] = {
            "name": transaction.name,
            "value": transaction.value,
            "once": transaction.once,
            "ttl_ms": transaction.ttl_ms,
            "after": transaction.after,
        }
    return CommitArguments([prefix, orjson.dumps(head), pack(entries)], stream_of, row_counts)


def pack(entries: Sequence[Sequence[Sequence[bytes]]]) -> bytes:
    """For each stream its records, each as a list of fields, as the commit script takes them."""
    packed: bytes = msgpack.packb(entries, use_bin_type=False)  # bytes as raw strings, which is what Lua has
    return packed


def commit_result(reply: Sequence[bytes], topics: MutableMapping[str, TopicInfo]) -> tuple[list[int], bool]:
    """Highwaters before the write and whether it was a recognised retry; or the error the script answered.

    A topic that is unknown or of another incarnation is forgotten from `topics`.
    """
    status, *rest = (part.decode() for part in reply)
    if status == "OK":
        return orjson.loads(rest[0]), rest[1] == "again"
    if status in {"UNKNOWN", "INCARNATION"}:
        topics.pop(rest[0], None)
    raise _refusal(status, rest)


def _refusal(status: str, rest: Sequence[str]) -> LogError:
    kind, text = _REFUSALS[status]
    return kind(text.format(*rest))


_REFUSALS: Mapping[str, tuple[type[LogError], str]] = {
    "FENCED": (FencedError, "this writer's {0} is over; nothing was written. It has to rejoin its group."),
    "CONFLICT": (IdempotencyConflictError, "this idempotency key was used before with another body"),
    "GONE": (RowGoneError, "{0!r} is not there any more: somebody was quicker"),
    "UNKNOWN": (UnknownTopicError, "topic or partition {0!r} does not exist; start a worker, it creates the topics"),
    "ROLLED_BACK": (
        RolledBackError,
        "the broker has {1} of {0}, this member had {2}: the broker was restored to an earlier state, or lost writes",
    ),
    "MOVED": (SourceMovedError, "the copy of {0} stands at {1}, not at {2}: another process copies it too"),
    "INCARNATION": (
        IncarnationError,
        "topic {0!r} was re-created since it was last seen (a flushed or restored broker?)",
    ),
    "FOREIGN": (
        ForeignStreamError,
        (
            "stream {0!r} ends at {1}, but this log wrote up to {2}: something else wrote to it. "
            "Remove the foreign writer and re-create the topic."
        ),
    ),
}


def raise_for_response(exc: ResponseError) -> None:
    """Turn server errors that have a meaning here into ours; return when there is none."""
    text = str(exc)
    if isinstance(exc, OutOfMemoryError) or "OOM" in text:
        raise LogUnavailableError("the broker is out of memory (maxmemory reached); free some or raise it") from exc
    if "READONLY" in text or "MISCONF" in text:
        raise LogUnavailableError(f"the broker refuses writes just now: {text}") from exc
    if "unknown command" in text.lower():
        raise BrokerUnsuitableError(f"the broker lacks a needed command: {text}; Redis 7.0 or later is needed") from exc
