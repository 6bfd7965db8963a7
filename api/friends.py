"""`GET /v1/leaderboards/{board}/friends`: the caller and all whom the caller follows, ranked among themselves.

It reads the follows of the social domain and the standings of gamification, so it belongs to neither.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from api.gamification.requested import BoardRow, RequestedBoard, board_row
from api.kit.callers import AudienceDep, Caller
from api.kit.context import ApiDep
from api.kit.openapi import problems
from api.kit.parameters import visible
from api.kit.projection import PositionText
from api.social.activity import followed
from tables.boards import Board, names_of
from tables.gamification import GAMIFICATION_BOARDS
from tables.reader import Ranked, standing_in

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
    rows = names_of(requested.group)
    keys = [(f"{row}|{user_id}", user_id) for user_id in people for row in rows]
    position, found = await api.tables.get_many(GAMIFICATION_BOARDS.name, keys)
    ranked = _ranked(people, list(rows.values()), found)
    return FriendsBoard(
        board=requested.board,
        period=requested.period.text,
        market=requested.market,
        position=str(position),
        total=len(ranked),
        rows=[board_row(requested.board, one, audience) for one in ranked[:limit]],
    )


def _ranked(people: Sequence[str], names: Sequence[str], rows: Sequence[bytes | None]) -> list[Ranked]:
    """Rank people among themselves, in the order of a board.

    Args:
        people: The people.
        names: The name that a standing has in each of a person's rows.
        rows: The rows of each person in turn.
    """
    each = len(names)
    standings = {
        user_id: standing
        for place, user_id in enumerate(people)
        if (standing := standing_in(names, rows[place * each : (place + 1) * each])) is not None
    }
    order = sorted(standings, key=lambda user_id: standings[user_id].order(user_id))
    return [Ranked(rank, standings[user_id], user_id) for rank, user_id in enumerate(order, start=1)]
