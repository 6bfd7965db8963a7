"""Rows in memory in the order of their keys, as the stores of workers keep them: a scan costs what it returns."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from itertools import takewhile

from sortedcontainers import SortedDict


class RowsInMemory(MutableMapping[bytes, bytes]):
    """The rows of one table. Nothing may change them during a scan."""

    def __init__(self) -> None:
        self._rows = SortedDict()

    def __getitem__(self, key: bytes) -> bytes:
        row: bytes = self._rows[key]
        return row

    def __setitem__(self, key: bytes, value: bytes) -> None:
        self._rows[key] = value

    def __delitem__(self, key: bytes) -> None:
        del self._rows[key]

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    def range(self, begin: bytes, end: bytes | None = None) -> Iterator[tuple[bytes, bytes]]:
        """Iterate over the entries from the key `begin` on, without those from `end` on."""
        return ((key, self._rows[key]) for key in self._rows.irange(begin, end, inclusive=(True, False)))

    def prefix(self, start: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Iterate over the entries whose key begins with `start`."""
        return takewhile(lambda entry: entry[0].startswith(start), self.range(start))
