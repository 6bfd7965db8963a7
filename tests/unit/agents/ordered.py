"""A dictionary whose keys are ordered, as those of the stores are: scans begin anywhere and cost what they return."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator


class OrderedBytes(dict[bytes, bytes]):
    """A mapping from bytes to bytes that scans in the order of its keys. A scan sees changes that are ahead of it."""

    def __init__(self) -> None:
        super().__init__()
        self._ordered: list[bytes] = []

    def __setitem__(self, key: bytes, value: bytes) -> None:
        if key not in self:
            insort(self._ordered, key)
        super().__setitem__(key, value)

    def __delitem__(self, key: bytes) -> None:
        super().__delitem__(key)
        del self._ordered[bisect_left(self._ordered, key)]

    def range(self, begin: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Iterate over the entries from the key `begin` on."""
        index = bisect_left(self._ordered, begin)
        while index < len(self._ordered):
            key = self._ordered[index]
            yield key, self[key]
            index = bisect_right(self._ordered, key)

    def prefix(self, start: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Iterate over the entries whose key begins with `start`."""
        for key, value in self.range(start):
            if not key.startswith(start):
                return
            yield key, value
