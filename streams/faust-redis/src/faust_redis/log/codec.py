"""Decode entries and replies of the scripts. Pure: bytes in, values out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from contextlib import contextmanager
from typing import Any, Final, cast

import orjson
from redis.exceptions import NoPermissionError, OutOfMemoryError, ResponseError

from faust_redis.log.errors import (
    BrokerUnsuitableError,
    DamagedPartitionError,
    FencedError,
    ForeignKeyError,
    IdempotencyConflictError,
    IncarnationError,
    LogError,
    LogUnavailableError,
    PermissionDeniedError,
    ResizedError,
    ResizingError,
    RolledBackError,
    RowGoneError,
    SourceMovedError,
    UnknownTopicError,
)
from faust_redis.log.record_batches import (
    BATCH_RECORDS_MAX,
    TIMESTAMP_MS_MAX,
    TIMESTAMP_MS_MIN,
    count_of,
    is_batch,
    unpack,
)
from faust_redis.log.records import (
    Cleanup,
    StoredRecord,
    TopicInfo,
    TopicPartition,
    TopicSpec,
    View,
)

ACL_IN_SCRIPT = "ACL failure in script"
HEADER_PREFIX = b"h:"
TIMESTAMP_DIGITS_SAFE = 16
"""A timestamp of fewer characters fits into 64 bits, whatever its digits are."""

TIMESTAMP_DIGITS_MAX = 20


def identity(reply: Any, **_: Any) -> Any:
    """Return a reply unchanged."""
    return reply


def topic_info(name: str, reply: Sequence[bytes]) -> TopicInfo:
    """Return a topic from its hash fields."""
    partitions, cleanup, view, retention_ms, incarnation = (field.decode() for field in reply[:5])
    spec = TopicSpec(
        name, int(partitions), cast("Cleanup", cleanup), cast("View", view), int(retention_ms), reply[5] == b"1"
    )
    return TopicInfo(spec, incarnation, is_moving(reply[6] if len(reply) > len(_FIELDS) else None))


_FIELDS: Final = ("partitions", "cleanup", "view", "retention_ms", "incarnation", "archived")
TOPIC_FIELDS: Final = (*_FIELDS, "closed")
"""The fields of a topic's hash from which `topic_info` reads."""
CLOSED_TO_CLIENTS: Final = b"entry"


def is_moving(closed: bytes | None) -> bool:
    """Return whether a resize moves the rows of a topic, by the field `closed` of its hash."""
    return closed is not None and closed != CLOSED_TO_CLIENTS


def topic_partition(name: bytes) -> TopicPartition:
    """Parse ``topic:partition``."""
    topic, _, partition = name.decode().rpartition(":")
    return TopicPartition(topic, int(partition))


def stored(entry: Sequence[Any]) -> list[StoredRecord]:
    """Return the records of a stream entry ``[id, [field, value, ...]]``.

    Raises:
        ValueError: the entry's id, its timestamp or its batch is not one that this log writes.
    """
    entry_id, parts = entry
    if not entry_id.startswith(b"0-"):
        raise ValueError(f"the entry {entry_id.decode()!r}, where this log's ids begin with '0-'")
    end = int(entry_id[2:])
    return unpack(end, parts) if is_batch(parts) else [_single(end - 1, parts)]


def _single(offset: int, parts: Sequence[bytes]) -> StoredRecord:
    if parts[::2] == [b"k", b"v", b"t", b"o"]:  # most are like this
        text = parts[5]
        timestamp_ms = int(text) if len(text) < TIMESTAMP_DIGITS_SAFE else _timestamp_ms(text)
        return StoredRecord(offset, timestamp_ms, parts[1], parts[3], (), b"", None, int(parts[7]))
    key = value = None
    writer = b""
    timestamp_ms = order = 0
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
        elif name == b"o":
            order = int(content)
    return StoredRecord(offset, timestamp_ms, key, value, tuple(headers), writer, None, order)


def row_of(parts: Sequence[bytes]) -> dict[bytes, bytes | None]:
    """Return key and value of a single record that cannot be read otherwise; empty without a key."""
    by_name = dict(zip(parts[::2], parts[1::2], strict=True))
    return {by_name[b"k"]: by_name.get(b"v")} if b"k" in by_name else {}


def count_or_one(entry: Sequence[Any]) -> int:
    """Return how many records an entry holds; 1 when this log did not write it."""
    try:
        return min(max(1, count_of(entry[1])), BATCH_RECORDS_MAX)
    except ValueError:
        return 1


def first_offset_of(entry: Sequence[Any], otherwise: int) -> int:
    """Return the offset of an entry's first record; `otherwise` when this log did not write the entry."""
    entry_id, parts = entry
    try:
        return max(0, int(entry_id.removeprefix(b"0-")) - count_of(parts))
    except ValueError:
        return otherwise


def _timestamp_ms(text: bytes) -> int:
    """Return a timestamp. Refuse a text that is too long for a 64-bit number before parsing it."""
    if len(text) <= TIMESTAMP_DIGITS_MAX:
        timestamp_ms = int(text)
        if TIMESTAMP_MS_MIN <= timestamp_ms <= TIMESTAMP_MS_MAX:
            return timestamp_ms
    raise ValueError(f"an entry with the timestamp {text[:32]!r}, which is not a number of 64 bits")


def readable(
    tp: TopicPartition, entries: Sequence[Sequence[Any]], offset: int = 0, count: int | None = None
) -> tuple[list[StoredRecord], DamagedPartitionError | None]:
    """Return the records of stream entries up to the first unreadable one, and that one's error.

    Args:
        tp: The partition.
        entries: The entries, lowest first.
        offset: The first offset to return: it may lie within a batch.
        count: Stop with the entry that makes them as many.
    """
    records: list[StoredRecord] = []
    for entry in entries:
        try:
            found = stored(entry)
        except ValueError as exc:
            return records, DamagedPartitionError(*tp, f"its stream holds {exc}")
        records += found if found[0].offset >= offset else [one for one in found if one.offset >= offset]
        if count is not None and len(records) >= count:
            break
    return records, None


def commit_result(reply: Sequence[bytes], topics: MutableMapping[str, TopicInfo]) -> tuple[list[int], bool, int | None]:
    """Return the highwaters before the write, whether it was a recognised retry, and what a repeated write counted.

    Remove a topic from `topics` when the script found it unknown, of another incarnation, or resized.

    Raises:
        LogError: the script refused the batch.
    """
    status, *rest = (part.decode() for part in reply)
    if status == "OK":
        again = rest[1] == "again"
        return orjson.loads(rest[0]), again, int(rest[2]) if again and rest[2] else None
    if status in {"UNKNOWN", "INCARNATION", "RESIZED"}:
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
    "CLOSED": (
        ResizingError,
        "topic {0!r} takes no records while its number of partitions changes (`partitions resize`); try again",
    ),
    "RESIZED": (
        ResizedError,
        "topic {0!r} has {1} partitions now, and this writer knew {2}: look it up again, or start again",
    ),
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
    if "READONLY" in text or "MISCONF" in text or "NOREPLICAS" in text:
        raise LogUnavailableError(f"the broker refuses writes just now: {text}") from exc
    if "unknown command" in text.lower():
        raise BrokerUnsuitableError(f"the broker lacks a needed command: {text}; Redis 7.0 or later is needed") from exc
    if isinstance(exc, NoPermissionError) or ACL_IN_SCRIPT in text:
        raise PermissionDeniedError(f"the broker refuses this to its user: {text}; allow it in the user's ACL") from exc
