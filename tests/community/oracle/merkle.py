"""The root of a sealed part of a board: a Merkle tree over its rows in rank order (docs/rules.md)."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256


def root(rows: Iterable[tuple[int, int, str]]) -> str:
    """Return the root over rows of score, time of reaching it, and user. A node without a neighbour moves up."""
    level = [_leaf(*row) for row in rows]
    if not level:
        return sha256(b"empty").hexdigest()
    while len(level) > 1:
        pairs = [level[index : index + 2] for index in range(0, len(level), 2)]
        level = [_hash("node", *pair) if len(pair) == 2 else pair[0] for pair in pairs]
    return level[0]


def _leaf(score: int, reached_at: int, user: str) -> str:
    return _hash("row", str(score), _hash("time", str(reached_at), _hash("user", user)))


def _hash(*lines: str) -> str:
    return sha256("\n".join(lines).encode()).hexdigest()
