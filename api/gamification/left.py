"""Refuse what has left: old rows leave the tables, and the archive has them."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Annotated, Final, TypeVar

from fastapi import Depends
from faust_redis.log import UnknownTopicError

from api.gamification.requested import Leaderboard, leaderboard
from api.kit import clock
from api.kit.context import ApiDep
from api.kit.problems import ROWS_LEFT, Problem
from streams.times import Instant
from tables.boards import Period
from tables.gamification import GAMIFICATION_WATERMARK
from tables.reader import TableReader
from tables.watermark import WATERMARK_KEY, Leaving, Watermark

BOARDS: Final = "boards"
DAYS: Final = "days"

T = TypeVar("T")


async def leaving(tables: TableReader, table: str) -> list[Leaving]:
    """Return how far old rows have left a table of gamification, for each partition where they leave."""
    try:
        found = await tables.in_each(GAMIFICATION_WATERMARK.name, WATERMARK_KEY)
    except UnknownTopicError:
        return []
    marks = [Watermark.load(raw) for raw in found.values() if raw is not None]
    return [mark.leaving[table] for mark in marks if table in mark.leaving]


async def left_to(tables: TableReader, period: Period) -> int | None:
    """Return up to which time, in microseconds, rows have left if those of a board's period have, or are leaving.

    None says that what was read of the period before this call is whole: a partition's mark moves in the commit that
    deletes the first row. No watermark is years ahead of the clock, so a period that lasts has all its rows.
    """
    if period.end is None or period.end > clock.now():
        return None
    found = await leaving(tables, BOARDS)
    return max((state.to for state in found if state.lacks(period.end)), default=None)


async def refuse_left(tables: TableReader, period: Period) -> None:
    """Refuse a period of a board whose rows have left some partition, or are leaving it.

    Raises:
        Problem: 410.
    """
    if (to := await left_to(tables, period)) is not None:
        raise rows_left(f"the standings of {period.text}", to)


async def whole(tables: TableReader, period: Period, reading: Awaitable[T]) -> T:
    """Return what a read of a board's period finds. The check follows the read, so no row can leave in between.

    Raises:
        Problem: 410 when rows of the period have left.
    """
    found = await reading
    await refuse_left(tables, period)
    return found


def rows_left(what: str, to: int) -> Problem:
    """Return the problem that something has left, with all that ended at a time or earlier, in microseconds."""
    return Problem(ROWS_LEFT, f"{what} have left with all that ended by {Instant(to).text()}: the archive has them")


async def _kept(api: ApiDep, requested: Annotated[Leaderboard, Depends(leaderboard)]) -> Leaderboard:
    """Return the leaderboard of a request.

    Raises:
        Problem: 410 when its rows have left.
    """
    await refuse_left(api.tables, requested.period)
    return requested


RequestedBoard = Annotated[Leaderboard, Depends(leaderboard)]
"""The leaderboard of a request, which reads its rows by `whole`."""
KeptBoard = Annotated[Leaderboard, Depends(_kept)]
"""The leaderboard of a request that is refused before anything is read, when its rows have left."""
