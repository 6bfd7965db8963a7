"""Sealed periods, and the digest over the rows of a sealed board.

A period is sealed when the watermark of every partition is the grace (24 h) past its end. Its boards cannot change
any more, so each digest is computed once and kept.
"""

from __future__ import annotations

import asyncio
import hashlib

from faust_redis.log import UnknownTopicError

from api.config import ApiConfig
from tables.boards import Period
from tables.gamification import GAMIFICATION_BOARDS, GAMIFICATION_WATERMARK, Watermark
from tables.reader import TableReader

PAGE_ROWS = 1_000
DIGESTS_KEPT_MAX = 4_096


class Seals:
    """Computes the digests of sealed boards, and keeps them."""

    def __init__(self, tables: TableReader, config: ApiConfig) -> None:
        self.tables = tables
        self.grace_h = config.late_grace_h
        self._digests: dict[tuple[str, str], str] = {}
        self._lock = asyncio.Lock()

    async def digest(self, group: str, period: Period, epoch: str) -> str | None:
        """Return SHA-256 over the lines ``rank user_id score reached_at`` of a board.

        None when the board is not sealed, or when a member of the ranking has no readable row (see `doctor`).

        Scores are the stored integers (1e-8 USD or counts), times microseconds since 1970. Lines end with a newline.
        """
        if period.end is None:
            return None
        known = self._digests.get((epoch, group))
        if known is None and await self._sealed(period):
            async with self._lock:
                known = self._digests.get((epoch, group)) or await self._compute(group)
                if known is None:
                    return None
                if len(self._digests) >= DIGESTS_KEPT_MAX:
                    del self._digests[next(iter(self._digests))]
                self._digests[(epoch, group)] = known
        return known

    async def _sealed(self, period: Period) -> bool:
        try:
            read = await self.tables.rows(GAMIFICATION_WATERMARK.name)
        except UnknownTopicError:
            return False
        seen = {row.partition: Watermark.load(row.value).highest for row in read.rows}
        return all(period.sealed(seen.get(partition, 0), self.grace_h) for partition in read.position.offsets)

    async def _compute(self, group: str) -> str | None:
        digest, rows = hashlib.sha256(), 0
        after = None
        while True:
            page = await self.tables.page(GAMIFICATION_BOARDS.name, group, after=after, limit=PAGE_ROWS)
            for ranked in page.members:
                score, reached_at = ranked.standing
                digest.update(f"{ranked.rank} {ranked.member} {score} {reached_at}\n".encode())
            rows += len(page.members)
            if len(page.members) < PAGE_ROWS:
                return digest.hexdigest() if rows == page.total else None
            after = page.members[-1].entry
