"""Refuse what has left: old rows leave the tables, and the archive has them."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import Depends
from faust_redis.log import UnknownTopicError

from api.gamification.requested import Leaderboard, leaderboard
from api.kit import clock
from api.kit.context import Api, ApiDep
from api.kit.problems import ROWS_LEFT, Problem
from streams.times import Instant
from tables.boards import Period
from tables.gamification import GAMIFICATION_WATERMARK
from tables.reader import TableReader
from tables.watermark import WATERMARK_KEY, Leaving, Watermark

BOARDS: Final = "boards"
DAYS: Final = "days"


async def leaving(tables: TableReader, table: str) -> list[Leaving]:
    """Return how far old rows have left a table of gamification, for each partition where they leave."""
    try:
        found = await tables.in_each(GAMIFICATION_WATERMARK.name, WATERMARK_KEY)
    except UnknownTopicError:
        return []
    marks = [Watermark.load(raw) for raw in found.values() if raw is not None]
    return [mark.leaving[table] for mark in marks if table in mark.leaving]


async def refuse_left(api: Api, period: Period) -> None:
    """Refuse a period of a board whose rows have left some partition, or are leaving it.

    No watermark is years ahead of the clock, so a period that lasts has all its rows.

    Raises:
        Problem: 410.
    """
    if period.end is None or period.end > clock.now():
        return
    for state in await leaving(api.tables, BOARDS):
        if state.lacks(period.end):
            raise rows_left(f"the standings of {period.text}", state.to)


def rows_left(what: str, to: int) -> Problem:
    """Return the problem that something has left, with all that ended at a time or earlier, in microseconds."""
    return Problem(ROWS_LEFT, f"{what} have left with all that ended by {Instant(to).text()}: the archive has them")


async def _kept(api: ApiDep, requested: Annotated[Leaderboard, Depends(leaderboard)]) -> Leaderboard:
    """Return the leaderboard of a request.

    Raises:
        Problem: 410 when its rows have left.
    """
    await refuse_left(api, requested.period)
    return requested


RequestedBoard = Annotated[Leaderboard, Depends(_kept)]
