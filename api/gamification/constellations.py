"""Constellations by the XP of their members: pages, a constellation's rank, and the window around it."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, Field

from api.gamification.boards import LIMIT_DEFAULT, LIMIT_MAX, NEIGHBOURS_MAX
from api.gamification.left import whole
from api.gamification.requested import ConstellationRow, PeriodQuery, constellation_row, period_of
from api.gamification.seals import Seals
from api.kit import cursor as cursors
from api.kit.context import Api, ApiDep
from api.kit.openapi import problems
from api.kit.parameters import visible
from api.kit.problems import NOT_FOUND, Problem
from api.kit.projection import PositionText
from api.kit.ranking_pages import ranking_page
from streams.events.base import ID_PATTERN
from tables.boards import CONSTELLATIONS, Period, group
from tables.gamification import GAMIFICATION_BOARDS
from tables.rankings import Place, Ranked, RankingPage

TABLE: Final = GAMIFICATION_BOARDS.name
ConstellationId = Annotated[str, Path(pattern=ID_PATTERN)]

router = APIRouter(
    prefix="/v1/leaderboards/xp/constellations",
    responses=problems(404, 410, 422, 503, 504),
    dependencies=[visible(GAMIFICATION_BOARDS)],
)


class ConstellationsAnswer(BaseModel):
    """The common members of all answers about the board of constellations."""

    period: str
    position: PositionText
    total: Annotated[int, Field(description="constellations on the board")]
    sealed: Annotated[bool, Field(description="no event can change this board any more")]
    digest: Annotated[str | None, Field(description="of a sealed board, over the parts of all partitions")]
    rows: list[ConstellationRow]


class ConstellationsByXp(ConstellationsAnswer):
    """A page of constellations."""

    next_cursor: Annotated[str | None, Field(description="cursor of the next page; null at the end")]


class ConstellationStanding(ConstellationsAnswer):
    """The place of a constellation; `rows` is the window around it, itself included."""

    constellation_id: str
    rank: int
    score: int


@router.get("", summary="Constellations by XP", responses=problems(400))
async def get_constellations_by_xp(
    api: ApiDep,
    period: PeriodQuery = "all",
    limit: Annotated[int, Query(ge=1, le=LIMIT_MAX)] = LIMIT_DEFAULT,
    cursor: Annotated[str | None, Query(max_length=cursors.CURSOR_CHARS_MAX)] = None,
) -> ConstellationsByXp:
    """Return the first constellations by the XP that members earned in a period, or those after a cursor.

    Order: XP descending, which reached them first, id. Totals move at ticks of the clock.
    """
    requested = period_of(period)
    ranking = group("xp", CONSTELLATIONS, requested.text)
    reading = ranking_page(api, GAMIFICATION_BOARDS, ranking, limit=limit, cursor=cursor)
    page, next_cursor = await whole(api.tables, requested, reading)
    head = await _head(api, requested, page, page.members)
    return ConstellationsByXp(**dict(head), next_cursor=next_cursor)


@router.get("/{constellation_id}", summary="A constellation's rank by XP")
async def get_constellation_by_xp(
    api: ApiDep,
    constellation_id: ConstellationId,
    period: PeriodQuery = "all",
    neighbours: Annotated[int, Query(ge=0, le=NEIGHBOURS_MAX, description="rows on each side")] = 0,
) -> ConstellationStanding:
    """Return a constellation's place by the XP that members earned in a period, with the rows around it."""
    requested = period_of(period)
    ranking = group("xp", CONSTELLATIONS, requested.text)
    reading = api.tables.place(TABLE, ranking, constellation_id, owner=constellation_id, neighbours=neighbours)
    found = await whole(api.tables, requested, reading)
    if found.member is None:
        raise Problem(NOT_FOUND, f"{constellation_id!r} is not on this board", position=str(found.position))
    own = constellation_row(found.member)
    head = await _head(api, requested, found, found.around)
    return ConstellationStanding(**dict(head), constellation_id=constellation_id, rank=own.rank, score=own.score)


async def _head(api: Api, period: Period, found: RankingPage | Place, shown: list[Ranked]) -> ConstellationsAnswer:
    ranking = group("xp", CONSTELLATIONS, period.text)
    seal = await api.part(Seals).seal(ranking, period, found.position.epoch)
    return ConstellationsAnswer(
        period=period.text,
        position=str(found.position),
        total=found.total,
        sealed=seal is not None,
        digest=None if seal is None else seal.digest,
        rows=[constellation_row(one) for one in shown],
    )
