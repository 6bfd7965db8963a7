"""Read the rankings out of the rows of a ranked topic.

The row ``name|member`` is a MessagePack map ``{suffix: [score, ...]}``. The member has this score in the ranking
``name/suffix``. Rankings are sorted sets, lowest score first.

Scores replace each other, so a commit need not read old rows. A ranking that a row leaves out keeps its member, because
the standing may have moved to another row. A tombstone, or a value that is no map, removes the member from the rankings
of the old row.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import msgpack


class RankingChanges(NamedTuple):
    """The changes of rankings that follow from changed rows.

    Attributes:
        scored: For each ranking its members, each after its score. A member names the partition that holds its row.
        removed: The keys of rows that have no standings any more.
    """

    scored: dict[bytes, list[float | bytes]]
    removed: list[bytes]


def changes_of(rows: Mapping[bytes, bytes | None], partition: int) -> RankingChanges:
    """Return how rows of a partition change the rankings."""
    by_name: defaultdict[bytes, defaultdict[bytes, list[float | bytes]]] = defaultdict(lambda: defaultdict(list))
    removed: list[bytes] = []
    holder = b"%d|" % partition
    for key, value in rows.items():
        name, bar, member = key.rpartition(b"|")
        if not bar:
            continue
        found = None if value is None else _map(value)
        if found is None:
            removed.append(key)
            continue
        rankings, member = by_name[name], holder + member
        for suffix, standing in found.items():
            if type(standing) is list and standing and type(suffix) is bytes:
                score = standing[0]
                if type(score) in _NUMBERS and score == score:  # noqa: PLR0124 - NaN
                    rankings[suffix] += (score, member)
    scored: defaultdict[bytes, list[float | bytes]] = defaultdict(list)
    for name, rankings in by_name.items():
        for suffix, members in rankings.items():
            scored[name + b"/" + suffix] += members  # rows of two names may have one ranking
    return RankingChanges(scored, removed)


_NUMBERS = {int, float}


def standings_of(key: bytes, value: bytes | None) -> Iterator[tuple[str, bytes, float]]:
    """Yield ranking, member and score of each standing of a row. Another key or value has none."""
    for ranking, (score, member) in changes_of({key: value}, 0).scored.items():  # a row ranks its member once in each
        yield ranking.decode(errors="replace"), member.removeprefix(b"0|"), float(score)  # type: ignore[union-attr]


def ranked_member(partition: int, member: str) -> str:
    """Return the member of a ranking, which names the partition that holds its row."""
    return f"{partition}|{member}"


def _map(value: bytes) -> dict[Any, Any] | None:
    """Return the map that a value holds; None for any other value, and for a map that a script cannot read."""
    try:
        found = msgpack.unpackb(value, raw=True, strict_map_key=False, max_bin_len=0, max_ext_len=0)
    except (TypeError, ValueError, msgpack.exceptions.UnpackException):
        return None
    return found if isinstance(found, dict) and None not in found else None
