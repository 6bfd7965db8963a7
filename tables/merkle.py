"""Merkle trees over the rows of a sealed part of a board, and proofs of single rows. Pure functions.

A leaf hides the user below the time, and both below the score. So a proof can show a score without the user behind it.
An odd node at the end of a level moves up unchanged, as in RFC 9162 section 2.1.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Final

EMPTY: Final = hashlib.sha256(b"empty").hexdigest()
"""The root of a part without rows."""


def hash_user(user_id: str) -> str:
    """Return the innermost hash of a row."""
    return _hash("user", user_id)


def hash_time(reached_at: int, user_hash: str) -> str:
    """Return the hash of a time in microseconds and a user."""
    return _hash("time", str(reached_at), user_hash)


def hash_row(score: int, time_hash: str) -> str:
    """Return the leaf of a row."""
    return _hash("row", str(score), time_hash)


def leaf(score: int, reached_at: int, user_id: str) -> str:
    """Return the leaf of a user's row."""
    return hash_row(score, hash_time(reached_at, hash_user(user_id)))


def levels(leaves: Sequence[str]) -> list[list[str]]:
    """Return all levels of the tree, from the leaves to the root."""
    found = [list(leaves)]
    while len(found[-1]) > 1:
        below = found[-1]
        pairs = zip(below[::2], below[1::2], strict=False)
        above = [_hash("node", left, right) for left, right in pairs]
        found.append(above + below[len(above) * 2 :])
    return found


def root(leaves: Sequence[str]) -> str:
    """Return the root of the tree over the leaves."""
    return levels(leaves)[-1][0] if leaves else EMPTY


def path(tree: Sequence[Sequence[str]], index: int) -> tuple[str, ...]:
    """Return the hashes beside the way from a leaf to the root, from below."""
    siblings = []
    for level in tree[:-1]:
        if index ^ 1 < len(level):
            siblings.append(level[index ^ 1])
        index //= 2
    return tuple(siblings)


def root_from(row: str, index: int, rows: int, siblings: Sequence[str]) -> str:
    """Return the root that a leaf at an index leads to.

    Raises:
        ValueError: when the tree has no such leaf, or the path has another length.
    """
    if not 0 <= index < rows:
        raise ValueError(f"a tree of {rows} rows has no row {index}")
    beside = list(siblings)
    while rows > 1:
        if index ^ 1 < rows:
            if not beside:
                raise ValueError("the path is too short")
            other = beside.pop(0)
            row = _hash("node", other, row) if index % 2 else _hash("node", row, other)
        index, rows = index // 2, (rows + 1) // 2
    if beside:
        raise ValueError("the path is too long")
    return row


def board_digest(group: str, parts: Mapping[int, tuple[int, str]]) -> str:
    """Return the digest of a sealed board over rows and root of each partition's part."""
    lines = [f"{partition} {rows} {top}" for partition, (rows, top) in sorted(parts.items())]
    return _hash("board", group, *lines)


def _hash(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
