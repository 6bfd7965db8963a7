"""`GET /v1/leaderboards/{board}/members/{constellation_id}`: the members of a constellation, ranked among themselves.

It reads the rosters of the social domain and the standings of gamification, so it belongs to neither.
"""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from api.gamification.requested import BoardRow, RequestedBoard, board_row
from api.kit.callers import AudienceDep
from api.kit.context import ApiDep
from api.kit.openapi import problems
from api.kit.parameters import UserPath, visible
from api.kit.problems import NOT_FOUND, Problem
from api.kit.projection import PositionText
from api.ranked_people import ranked_people
from api.social.constellation_rows import ConstellationPath, stored
from tables.boards import Board
from tables.gamification import GAMIFICATION_BOARDS
from tables.social_constellations import SOCIAL_ROSTERS, Roster

MEMBERS_MAX: Final = 200

router = APIRouter(
    prefix="/v1/leaderboards",
    tags=["Gamification"],
    responses=problems(404, 410, 422, 503, 504),
    dependencies=[visible(GAMIFICATION_BOARDS)],
)


class MembersBoard(BaseModel):
    """The present members of a constellation in the order of a board."""

    board: Board
    period: str
    market: str | None
    constellation_id: str
    position: PositionText
    total: Annotated[int, Field(description="members with a score")]
    rows: list[BoardRow]


class MemberStanding(MembersBoard):
    """The place of a member among the members; `rows` is the window around it, the member included."""

    user_id: str
    rank: int


@router.get("/{board}/members/{constellation_id}", summary="A board of members")
async def get_members_board(
    api: ApiDep,
    requested: RequestedBoard,
    constellation_id: ConstellationPath,
    audience: AudienceDep,
    limit: Annotated[int, Query(ge=1, le=MEMBERS_MAX)] = MEMBERS_MAX,
) -> MembersBoard:
    """Return the present members of a constellation, ranked among themselves by their scores of all markets or of one.

    A score counts what a member earned in the period, also before joining. All standings are read at one moment, so
    ranks are exact at `position`. Private users have a rank, and no id.
    """
    _, raw = await stored(api, SOCIAL_ROSTERS, constellation_id, "constellation")
    members = [one.user_id for one in Roster.load(raw).members]
    position, ranked = await ranked_people(api, requested.group, members)
    return MembersBoard(
        board=requested.board,
        period=requested.period.text,
        market=requested.market,
        constellation_id=constellation_id,
        position=str(position),
        total=len(ranked),
        rows=[board_row(requested.board, one, audience) for one in ranked[:limit]],
    )


@router.get("/{board}/members/{constellation_id}/users/{user_id}", summary="A member's rank")
async def get_member_standing(
    *,
    api: ApiDep,
    requested: RequestedBoard,
    constellation_id: ConstellationPath,
    user_id: UserPath,
    audience: AudienceDep,
    neighbours: Annotated[int, Query(ge=0, le=MEMBERS_MAX, description="rows on each side")] = 0,
) -> MemberStanding:
    """Return a member's place among the members of a constellation. For others, a private user is not found."""
    _, raw = await stored(api, SOCIAL_ROSTERS, constellation_id, "constellation")
    members = [one.user_id for one in Roster.load(raw).members]
    position, ranked = await ranked_people(api, requested.group, members)
    own = next((one for one in ranked if one.member == user_id), None)
    if own is None or audience.hides(user_id):
        raise Problem(NOT_FOUND, f"{user_id!r} is not on this board", position=str(position))
    around = ranked[max(0, own.rank - 1 - neighbours) : own.rank + neighbours]
    return MemberStanding(
        board=requested.board,
        period=requested.period.text,
        market=requested.market,
        constellation_id=constellation_id,
        position=str(position),
        total=len(ranked),
        rows=[board_row(requested.board, one, audience) for one in around],
        user_id=user_id,
        rank=own.rank,
    )
