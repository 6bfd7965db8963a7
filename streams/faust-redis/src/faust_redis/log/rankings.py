"""Read the rankings out of the rows of a ranked topic, as `commit.lua` does.

The row ``name|member`` is a MessagePack map ``{suffix: [score, ...]}``. The member has this score in the ranking
``name/suffix``, or ``name`` when the suffix is empty. Rankings are sorted sets, lowest score first.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgpack


def standings_of(key: bytes, value: bytes | None) -> Iterator[tuple[str, bytes, float]]:
    """Yield ranking, member and score of each standing of a row. Another key or value has none."""
    name, bar, member = key.rpartition(b"|")
    if not bar or value is None:
        return
    for suffix, standing in (_map(value) or {}).items():
        if isinstance(suffix, bytes) and isinstance(standing, list) and standing:
            score = standing[0]
            if isinstance(score, int | float) and not isinstance(score, bool) and score == score:  # noqa: PLR0124 - NaN
                ranking = name + b"/" + suffix if suffix else name
                yield ranking.decode(errors="replace"), member, float(score)


def ranked_member(partition: int, member: str) -> str:
    """Return the member of a ranking, which names the partition that holds its row."""
    return f"{partition}|{member}"


def has_standings(value: bytes | None) -> bool:
    """Return whether a value is one of a ranked row. Another value removes its key from all rankings."""
    return value is not None and _map(value) is not None


def _map(value: bytes) -> dict[Any, Any] | None:
    try:
        found = msgpack.unpackb(value, raw=True, strict_map_key=False)
    except (ValueError, msgpack.exceptions.UnpackException):
        return None
    return found if isinstance(found, dict) else None
