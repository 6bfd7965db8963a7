"""Rows in memory as the API reads them: sealed boards with their proofs, and windows."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, cast

from faust_redis.log import Position
from pydantic import JsonValue

from api.gamification.proofs import Proofs, SealedBoard
from api.kit.windows.table import WindowTable
from tables.boards import Standing, group_of, parse_period
from tables.gamification import GAMIFICATION_SEALS
from tables.rank_proof import RankProof, prove
from tables.rankings import Ranked, RankingPage
from tables.typed import standings
from tests.community.resized import Tables


class MemoryReader:
    """Reads tables in memory as `TableReader` reads those of the log."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def position(self, table: str) -> Position:
        """Return a position without offsets."""
        return Position(table, "memory", {})

    async def in_each(self, table: str, key: str) -> dict[int, bytes | None]:
        """Return the row that each partition has under a key, by partition."""
        return {partition: rows.get(key) for partition, rows in self._tables[table].items()}

    async def parts(self, table: str, keys: Sequence[str]) -> tuple[Position, list[list[bytes]]]:
        """Return for each key the rows that the partitions have under it."""
        found = [[rows[key] for rows in self._tables[table].values() if key in rows] for key in keys]
        return await self.position(table), found

    async def page(self, table: str, group: str, *, after: str | None = None, limit: int) -> RankingPage:
        """Return the first or the next members of a ranking."""
        found = sorted(
            (standing.order(member), standing, member)
            for rows in self._tables[table].values()
            for key, raw in rows.items()
            for row_name, _, member in [key.rpartition("|")]
            for name, ranked in standings(raw).items()
            if group_of(row_name, name) == group
            for standing in [Standing.of(ranked)]
        )
        members = [Ranked(rank, standing, member) for rank, (_, standing, member) in enumerate(found, start=1)]
        begin = 0 if after is None else 1 + [one.entry for one in members].index(after)
        return RankingPage(await self.position(table), len(members), members[begin : begin + limit])


def windows_of(tables: Tables, *wanted: WindowTable[Any]) -> dict[str, dict[str, JsonValue]]:
    """Return the windows of some tables that the API shows, by table and key."""
    found: dict[str, dict[str, JsonValue]] = {}
    for one in wanted:
        keys = sorted({key for rows in tables[one.table.name].values() for key in rows})
        shown = asyncio.run(one.read(cast("Any", MemoryReader(tables)), keys)).rows
        found |= {f"{one.table.name} {key}": row for key, row in shown.items()}
    return found


def proofs_of(tables: Tables) -> dict[str, list[RankProof]]:
    """Return the proofs of all ranks on the boards that every partition has sealed, in rank order."""
    proofs = Proofs(cast("Any", MemoryReader(tables)), cast("Any", None))
    groups = sorted({group for rows in tables[GAMIFICATION_SEALS.name].values() for group in rows})
    boards = {group: asyncio.run(proofs.board(group, parse_period(group.split("/")[1]))) for group in groups}
    return {group: _proofs(group, board) for group, board in boards.items() if board is not None}


def _proofs(group: str, board: SealedBoard) -> list[RankProof]:
    ranked = sorted(board.standings, key=lambda user: board.standings[user].order(user))
    return [prove(group, user, board.standings[user], board.parts) for user in ranked]
