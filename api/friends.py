"""`GET /v1/leaderboards/{board}/friends`: the caller and all whom the caller follows, ranked among themselves.

It reads the follows of the social domain and the standings of gamification, so it belongs to neither.
"""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from api.gamification.requested import BoardRow, RequestedBoard, board_row
from api.kit.callers import AudienceDep, Caller
from api.kit.context import ApiDep
from api.kit.openapi import problems
from api.kit.parameters import visible
from api.kit.projection import PositionText
from api.ranked_people import ranked_people
from api.social.activity import followed
from tables.boards import Board
from tables.gamification import GAMIFICATION_BOARDS

LIMIT_DEFAULT: Final = 100
LIMIT_MAX: Final = 1_000

router = APIRouter(prefix="/v1/leaderboards", tags=["Gamification"], responses=problems(401, 403, 410, 422, 503, 504))


class FriendsBoard(BaseModel):
    """The caller and those whom the caller follows, in the order of a board."""

    board: Board
    period: str
    market: str | None
    position: PositionText
    total: Annotated[int, Field(description="people on the board: the caller and followed ones with a score")]
    rows: list[BoardRow]


@router.get("/{board}/friends", summary="A board of friends", dependencies=[visible(GAMIFICATION_BOARDS)])
async def get_friends_board(
    api: ApiDep,
    caller: Caller,
    requested: RequestedBoard,
    audience: AudienceDep,
    limit: Annotated[int, Query(ge=1, le=LIMIT_MAX)] = LIMIT_DEFAULT,
) -> FriendsBoard:
    """Return the caller and all whom the caller follows, ranked among themselves.

    All standings are read at one moment, so ranks are exact at `position`. Private users have a rank, and no id.
    """
    people = await followed(api, caller.subject)
    position, ranked = await ranked_people(api, requested.group, people)
    return FriendsBoard(
        board=requested.board,
        period=requested.period.text,
        market=requested.market,
        position=str(position),
        total=len(ranked),
        rows=[board_row(requested.board, one, audience) for one in ranked[:limit]],
    )
