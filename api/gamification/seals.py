"""Sealed boards: the parts that the partitions have sealed, and the digest over them.

A board is sealed when every partition has sealed its part (`agents.gamification.sealing`). Its rows cannot change any
more, so each digest is read once and kept.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from faust_redis.log import UnknownTopicError

from api.config import ApiConfig
from tables import merkle
from tables.boards import Period
from tables.gamification import GAMIFICATION_SEALING, GAMIFICATION_SEALS, SEALING_KEY, SealedPart, Sealing
from tables.reader import TableReader

SEALS_KEPT_MAX = 4_096

_NO_ROWS = SealedPart(rows=0, root=merkle.EMPTY, sealed_at=0)


class Seal(NamedTuple):
    """The digest of a sealed board, how many users it has, and when the last partition sealed its part."""

    digest: str
    users: int
    sealed_at: int


class SealedParts(NamedTuple):
    """The sealed parts of a board.

    Attributes:
        parts: Each part, by the number of the partition that sealed it.
        of_partition: For each present partition, the part with the rows of its users. There may have been fewer
            partitions when the board was sealed.
    """

    parts: dict[int, SealedPart]
    of_partition: tuple[int, ...]


async def _states(tables: TableReader) -> list[Sealing]:
    """Return how far each partition has sealed."""
    try:
        states = await tables.in_each(GAMIFICATION_SEALING.name, SEALING_KEY)
    except UnknownTopicError:
        return []
    return [Sealing() if row is None else Sealing.load(row) for _, row in sorted(states.items())]


def _sealed_by_all(states: Iterable[Sealing]) -> int:
    return min((state.sealed_to for state in states), default=0)


async def sealed_to(tables: TableReader) -> int:
    """Return the time, in microseconds, up to which every partition has sealed all periods; 0 before the first."""
    return _sealed_by_all(await _states(tables))


async def sealed_parts(tables: TableReader, group: str, period: Period) -> SealedParts | None:
    """Return the parts of a board, or None while a partition has not sealed the period."""
    states = await _states(tables)
    if period.end is None or _sealed_by_all(states) < period.end:
        return None
    of_partition = tuple(state.part_of(partition, period.end) for partition, state in enumerate(states))
    rows = await tables.in_each(GAMIFICATION_SEALS.name, group)
    stored = {number: rows[number] for number in sorted(set(of_partition))}
    parts = {number: _NO_ROWS if row is None else SealedPart.load(row) for number, row in stored.items()}
    return SealedParts(parts, of_partition)


class Seals:
    """Reads the seals of boards, and keeps them."""

    def __init__(self, tables: TableReader, _config: ApiConfig) -> None:
        self._tables = tables
        self._seals: dict[tuple[str, str], Seal] = {}

    async def seal(self, group: str, period: Period, epoch: str) -> Seal | None:
        """Return the seal of a board, with the digest over rows and root of each part; None for an open board."""
        known = self._seals.get((epoch, group))
        if known is None:
            sealed = await sealed_parts(self._tables, group, period)
            if sealed is None:
                return None
            parts = sealed.parts
            digest = merkle.board_digest(group, {number: (part.rows, part.root) for number, part in parts.items()})
            users = sum(part.rows for part in parts.values())
            known = Seal(digest, users, max((part.sealed_at for part in parts.values()), default=0))
            if len(self._seals) >= SEALS_KEPT_MAX:
                del self._seals[next(iter(self._seals))]
            self._seals[(epoch, group)] = known
        return known
