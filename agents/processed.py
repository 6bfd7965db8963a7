"""Recognise repeated events where events may come again: at the edge, and between all topics on Kafka.

Memory is bounded by event time. An event is remembered until its user's newest event from the same source is
`repeats_days` newer. An event that is older than that when it comes, and is not remembered, is too late: it may be a
repetition, so it has no effect.
"""

from __future__ import annotations

from typing import Any, Final, Literal, NamedTuple
from zlib import crc32

from agents.id_buckets import CONTENT_BYTES, ID_BYTES, IdBuckets
from streams.events import AnyEvent
from streams.ids import short_hash
from streams.times import DAY_US, MINUTE_US, Instant
from streams.topology import TableSpec
from tables.keys import SEPARATOR
from tables.unit_of_work import UnitOfWork

DIGEST_BYTES: Final = 4
NO_CONTENT: Final = bytes(CONTENT_BYTES)


class Verdict(NamedTuple):
    """What an event is.

    Attributes:
        kind: A repeated event is the same once more, a conflicting one has the id of another.
        differing: For a conflicting event, the positions of the fields that differ, as far as one byte a field shows.
    """

    kind: Literal["new", "repeated", "conflicting", "too_late"]
    differing: tuple[int, ...] = ()


NEW: Final = Verdict("new")
REPEATED: Final = Verdict("repeated")
TOO_LATE: Final = Verdict("too_late")


class ProcessedEvents:
    """Remembers the events of each user and source."""

    def __init__(self, tables: UnitOfWork, spec: TableSpec[Any], repeats_days: int) -> None:
        self._table = tables.raw(spec)
        self._span = repeats_days * DAY_US // MINUTE_US

    def judge(self, scope: str, id_hash: bytes, time: Instant, content: bytes = NO_CONTENT) -> Verdict:
        """Say what an event is, and remember it if it is new."""
        ids = IdBuckets(self._table, scope)
        known = ids.find(id_hash)
        if known is not None:
            return REPEATED if known == content else Verdict("conflicting", _differing(known, content))
        minute = time // MINUTE_US
        if minute < ids.newest - self._span:
            return TOO_LATE
        ids.add(id_hash, minute, content, max(ids.newest, minute) - self._span)
        return NEW

    def judge_event(self, event: AnyEvent, source: str = "") -> Verdict:
        """Say what an event is by its own id, and remember it if it is new."""
        return self.judge(scope_of(event.partitionkey, source), id_hash_of(event.id), event.time)


def scope_of(user_id: str, source: str = "") -> str:
    """Return the scope in which ids are unique and time moves on: a user and a venue, or the user's own orders."""
    return f"{user_id}{SEPARATOR}{source}"


def id_hash_of(event_id: str) -> bytes:
    """Return the bytes of a UUID that tell it apart: its last ones, which are random or a hash."""
    return bytes.fromhex(event_id[19:23] + event_id[24:])


def name_hash_of(name: str) -> bytes:
    """Return the hash of an id that somebody else chose."""
    return short_hash(name, ID_BYTES)


def content_of(fields: tuple[object, ...]) -> bytes:
    """Return what content is recognised by: a digest of all fields, and a byte for each of at most 11."""
    texts = [str(field).encode() for field in fields]
    digest = crc32(b"\x1f".join(texts)).to_bytes(DIGEST_BYTES)
    return (digest + bytes([crc32(text) & 0xFF for text in texts])).ljust(CONTENT_BYTES, b"\0")


def _differing(known: bytes, content: bytes) -> tuple[int, ...]:
    pairs = zip(known[DIGEST_BYTES:], content[DIGEST_BYTES:], strict=True)
    return tuple(position for position, (one, other) in enumerate(pairs) if one != other)
