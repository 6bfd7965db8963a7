"""Pack the ids of one scope into rows of bytes, in as many buckets as they need. Pure arithmetic over a table of bytes.

An entry has `ENTRY_BYTES` bytes: a hash of the id, the event time in minutes, and a digest of the content. The number
of buckets grows with the number of entries, one bucket at a time (linear hashing, W. Litwin 1980). So no event
rewrites more than four rows. The first entry of a bucket is its oldest, so a look at it tells whether any is too old.
"""

from __future__ import annotations

from collections.abc import Iterable
from operator import itemgetter
from struct import Struct
from typing import Final

from tables.keys import SEPARATOR
from tables.typed import RawTable

ID_BYTES: Final = 8
CONTENT_BYTES: Final = 15
_MINUTE: Final = Struct(">I")
_CONTENT_AT: Final = ID_BYTES + _MINUTE.size
ENTRY_BYTES: Final = _CONTENT_AT + CONTENT_BYTES

_minute_of: Final = itemgetter(slice(ID_BYTES, _CONTENT_AT))
"""Returns the minute of an entry, or of the first entry of a row, in bytes that sort like numbers. Empty rows have
no bytes there."""

_HEADER: Final = Struct(">III")
"""Newest minute, number of entries, number of buckets."""

BUCKET_ENTRIES_MAX: Final = 24
"""Average entries of a bucket above which `add` splits a bucket. A row then has about 650 bytes."""
BUCKET_ENTRIES_MIN: Final = 6
"""Average entries of a bucket below which a bucket is removed."""


class IdBuckets:
    """The ids of one scope: read from rows, changed in memory, and saved at the end.

    The row of the scope holds a header, and with one bucket also the entries. Several buckets have a row each.

    Attributes:
        newest: The newest minute of all entries that were ever added.
        entries: The number of entries of any age.
        buckets: The number of buckets.
    """

    __slots__ = ("_changed", "_rows", "_scope", "_spread", "_table", "buckets", "entries", "newest")

    def __init__(self, table: RawTable, scope: str) -> None:
        self._table = table
        self._scope = scope
        row = table.get(scope)
        self.newest, self.entries, self.buckets = _HEADER.unpack_from(row) if row else (0, 0, 1)
        self._rows: dict[int, bytes] = {}
        self._changed: set[int] = set()
        self._spread = self.buckets > 1
        """Whether buckets have rows of their own, or had some since the last save."""
        if not self._spread:
            self._rows[0] = row[_HEADER.size :] if row else b""

    def index_of(self, id_hash: bytes) -> int:
        """Return the bucket of an id. It is valid until the next addition."""
        return bucket_of(id_hash, self.buckets) if self.buckets > 1 else 0

    def find(self, index: int, id_hash: bytes) -> bytes | None:
        """Return the content of an id of a bucket, or None."""
        row = self._bucket(index)
        at = row.find(id_hash)
        while at % ENTRY_BYTES and at > 0:  # the match does not begin at an entry
            at = row.find(id_hash, at + 1)
        return None if at < 0 else row[at + _CONTENT_AT : at + ENTRY_BYTES]

    def add(self, index: int, id_hash: bytes, minute: int, content: bytes, oldest: int) -> None:
        """Add an id to its bucket, and drop the entries of the bucket that are older than the minute `oldest`."""
        if len(id_hash) != ID_BYTES or len(content) != CONTENT_BYTES:
            raise ValueError(f"expected {ID_BYTES} and {CONTENT_BYTES} bytes, got {len(id_hash)} and {len(content)}")
        self.newest = max(self.newest, minute)
        row = self._bucket(index)
        if row and int.from_bytes(_minute_of(row)) < oldest:
            row = self._pruned(row, oldest)
        time = _MINUTE.pack(minute)
        entry = id_hash + time + content
        self._rows[index] = entry + row if time < _minute_of(row) else row + entry
        self._changed.add(index)
        self.entries += 1
        if self.entries > self.buckets * BUCKET_ENTRIES_MAX:
            self._split()
        elif self.buckets > 1 and self.entries < self.buckets * BUCKET_ENTRIES_MIN:
            self._merge(oldest)

    def save(self) -> None:
        """Write the rows that have changed."""
        if not self._changed:
            return
        alone = self._rows[0] if self.buckets == 1 else b""
        self._table.put(self._scope, _HEADER.pack(self.newest, self.entries, self.buckets) + alone)
        if self._spread:
            for index in sorted(self._changed):
                self._save(index)
        self._spread = self.buckets > 1
        self._changed.clear()

    def _save(self, index: int) -> None:
        key = f"{self._scope}{SEPARATOR}{index}"
        row = self._rows[index]
        if row and self.buckets > 1:
            self._table.put(key, row)
        else:
            self._table.delete(key)

    def _split(self) -> None:
        new = self.buckets
        index = _parent(new)
        distance = new - index  # a power of 2: the bit of a hash that tells the two buckets apart
        stay: list[bytes] = []
        move: list[bytes] = []
        for entry in _entries(self._bucket(index)):
            (move if int.from_bytes(entry[:ID_BYTES]) & distance else stay).append(entry)
        self.buckets, self._spread = new + 1, True
        self._set(index, _row_of(stay))
        self._set(new, _row_of(move))

    def _merge(self, oldest: int) -> None:
        last = self.buckets - 1
        index = _parent(last)
        both = _row_of(_entries(self._bucket(index) + self._bucket(last)))
        self._set(index, self._pruned(both, oldest))
        self._set(last, b"")
        self.buckets = last

    def _pruned(self, row: bytes, oldest: int) -> bytes:
        """Return a row without the entries that are older than the minute `oldest`."""
        first_kept = _MINUTE.pack(max(0, oldest))
        kept = _row_of([entry for entry in _entries(row) if _minute_of(entry) >= first_kept])
        self.entries -= (len(row) - len(kept)) // ENTRY_BYTES
        return kept

    def _bucket(self, index: int) -> bytes:
        row = self._rows.get(index)
        if row is None:
            row = self._rows[index] = self._table.get(f"{self._scope}{SEPARATOR}{index}") or b""
        return row

    def _set(self, index: int, row: bytes) -> None:
        self._rows[index] = row
        self._changed.add(index)


def _entries(row: bytes) -> list[bytes]:
    return [row[at : at + ENTRY_BYTES] for at in range(0, len(row), ENTRY_BYTES)]


def _row_of(entries: Iterable[bytes]) -> bytes:
    """Join entries to a row that begins with the oldest."""
    in_order: list[bytes] = sorted(entries, key=_minute_of)
    return b"".join(in_order)


def bucket_of(entry: bytes, buckets: int) -> int:
    """Return the bucket of an entry, which begins with the hash of its id, for a number of buckets."""
    size = 1 << (buckets - 1).bit_length()
    index = int.from_bytes(entry[:ID_BYTES]) & (size - 1)
    return index if index < buckets else index - size // 2


def _parent(index: int) -> int:
    """Return the bucket that a bucket was split from."""
    return index - (1 << (index.bit_length() - 1))
