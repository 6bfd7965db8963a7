"""A table of bytes that counts its calls."""

from __future__ import annotations


class Counting(dict[bytes, bytes]):
    reads = writes = deletes = 0
    broken = False

    def __getitem__(self, key: bytes) -> bytes:
        self.reads += 1
        return super().__getitem__(key)

    def __setitem__(self, key: bytes, value: bytes) -> None:
        if self.broken:
            raise OSError("the disk is full")
        self.writes += 1
        super().__setitem__(key, value)

    def __delitem__(self, key: bytes) -> None:
        self.deletes += 1
        super().__delitem__(key)
