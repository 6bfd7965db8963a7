"""Recognise repeated events where a delivery may repeat: at the edge, and on Kafka between all topics.

Event time bounds the memory. An event is remembered until its user's newest event from the same source is
`repeats_days` newer. An event that is older than that on arrival, and is not remembered, is too late. It may be a
repetition, so it has no effect.
"""

from __future__ import annotations

from itertools import repeat
from operator import mod, mul
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

_DIGEST_PRIME: Final = 2**32 - 5
_CHECK_PRIME: Final = 251
_WEIGHTS: Final = tuple(pow(1_000_003, power, _DIGEST_PRIME) for power in range(CONTENT_BYTES - DIGEST_BYTES))
"""Weights that make a digest depend on the order of fields: it is the sum of each field times its weight."""


class Verdict(NamedTuple):
    """Whether an event is new, repeated, conflicting or too late.

    Attributes:
        kind: A repeated event equals a remembered one. A conflicting event has its id, but other content.
        differing: For a conflicting event, the positions of the differing fields. One byte a field is compared.
    """

    kind: Literal["new", "repeated", "conflicting", "too_late"]
    differing: tuple[int, ...] = ()


NEW: Final = Verdict("new")
REPEATED: Final = Verdict("repeated")
TOO_LATE: Final = Verdict("too_late")


class ProcessedEvents:
    """Remembers the events of each user and source. A batch reads and writes the rows of a scope once."""

    def __init__(self, tables: UnitOfWork, spec: TableSpec[Any], repeats_days: int) -> None:
        self._table = tables.raw(spec)
        tables.join(self)
        self._span = repeats_days * DAY_US // MINUTE_US
        self._scopes: dict[str, IdBuckets] = {}
        self._holding = False

    def judge(self, scope: str, id_hash: bytes, time: Instant, content: bytes = NO_CONTENT) -> Verdict:
        """Judge an event, and remember it if it is new."""
        ids = self._scopes.get(scope)
        if ids is None:
            ids = self._scopes[scope] = IdBuckets(self._table, scope)
        index = ids.index_of(id_hash)
        known = ids.find(index, id_hash)
        if known is not None:
            return REPEATED if known == content else Verdict("conflicting", _differing(known, content))
        minute, newest = time // MINUTE_US, ids.newest
        if minute < newest - self._span:
            return TOO_LATE
        ids.add(index, id_hash, minute, content, max(newest, minute) - self._span)
        if not self._holding:
            self.write()
        return NEW

    def judge_event(self, event: AnyEvent, source: str = "") -> Verdict:
        """Judge an event by its own id, and remember it if it is new."""
        return self.judge(scope_of(event.partitionkey, source), id_hash_of(event.id), event.time)

    def begin(self) -> None:
        """Start to keep changed rows in memory."""
        self._scopes.clear()
        self._holding = True

    def write(self) -> None:
        """Write the changed rows."""
        for ids in self._scopes.values():
            ids.save()
        self.drop()

    def drop(self) -> None:
        """Drop the changed rows."""
        self._scopes.clear()
        self._holding = False


def scope_of(user_id: str, source: str = "") -> str:
    """Return the scope in which ids are unique: a user and a venue, or the user's own orders."""
    return f"{user_id}{SEPARATOR}{source}"


def id_hash_of(event_id: str) -> bytes:
    """Return the last bytes of a UUID, which are random or a hash."""
    return bytes.fromhex(event_id[19:23] + event_id[24:])


def name_hash_of(name: str) -> bytes:
    """Return the hash of an id that a venue or client chose."""
    return short_hash(name, ID_BYTES)


def number_of(text: str) -> int:
    """Return the CRC-32 of a text, by which `content_of` compares it."""
    return crc32(text.encode())


def content_of(numbers: tuple[int, ...]) -> bytes:
    """Return a digest of all fields, and a byte for each of at most 11 fields.

    A field is a number, or a text as `number_of` gives it.
    """
    digest: int = sum(map(mul, numbers, _WEIGHTS)) % _DIGEST_PRIME
    checks = bytes(map(mod, numbers, repeat(_CHECK_PRIME)))
    return (digest.to_bytes(DIGEST_BYTES) + checks).ljust(CONTENT_BYTES, b"\0")


def _differing(known: bytes, content: bytes) -> tuple[int, ...]:
    pairs = zip(known[DIGEST_BYTES:], content[DIGEST_BYTES:], strict=True)
    return tuple(position for position, (one, other) in enumerate(pairs) if one != other)
