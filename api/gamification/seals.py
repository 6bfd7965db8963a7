"""Sealed boards: the parts that the partitions have sealed, and the digest over them.

A board is sealed when every partition has sealed its part (`agents.gamification.sealing`). Its rows cannot change any
more, so each digest is read once and kept.
"""

from __future__ import annotations

from faust_redis.log import UnknownTopicError

from api.config import ApiConfig
from tables import merkle
from tables.boards import Period
from tables.gamification import GAMIFICATION_SEALING, GAMIFICATION_SEALS, SEALING_KEY, SealedPart, Sealing
from tables.reader import TableReader

DIGESTS_KEPT_MAX = 4_096

_NO_ROWS = SealedPart(rows=0, root=merkle.EMPTY, sealed_at=0)


async def sealed_parts(tables: TableReader, group: str, period: Period) -> dict[int, SealedPart] | None:
    """Return each partition's part of a board, or None while a partition has not sealed the period."""
    if period.end is None:
        return None
    try:
        states = await tables.in_each(GAMIFICATION_SEALING.name, SEALING_KEY)
    except UnknownTopicError:
        return None
    if not all(row is not None and Sealing.load(row).sealed_to >= period.end for row in states.values()):
        return None
    parts = await tables.in_each(GAMIFICATION_SEALS.name, group)
    return {number: _NO_ROWS if row is None else SealedPart.load(row) for number, row in parts.items()}


class Seals:
    """Reads the digests of sealed boards, and keeps them."""

    def __init__(self, tables: TableReader, _config: ApiConfig) -> None:
        self._tables = tables
        self._digests: dict[tuple[str, str], str] = {}

    async def digest(self, group: str, period: Period, epoch: str) -> str | None:
        """Return the digest over rows and root of each part, as proofs of ranks name it; None for an open board."""
        known = self._digests.get((epoch, group))
        if known is None:
            parts = await sealed_parts(self._tables, group, period)
            if parts is None:
                return None
            known = merkle.board_digest(group, {number: (part.rows, part.root) for number, part in parts.items()})
            if len(self._digests) >= DIGESTS_KEPT_MAX:
                del self._digests[next(iter(self._digests))]
            self._digests[(epoch, group)] = known
        return known
