"""The caller and all whom the caller follows, ranked among themselves: pages, and the first of them as a feed.

It reads the follows of the social domain and the standings of gamification, so it belongs to neither.
"""

from __future__ import annotations

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from api.gamification.boards import BOARDS_FEED, LIMIT_DEFAULT, LIMIT_MAX, TOP_DEFAULT, TOP_MAX
from api.gamification.left import KeptBoard, RequestedBoard, whole
from api.gamification.ranked_people import people_page
from api.gamification.requested import BoardRow, board_row
from api.gamification.tops import BoardView, Ranking
from api.kit import cursor as cursors
from api.kit.callers import AudienceDep, Caller, Permitted
from api.kit.context import ApiDep
from api.kit.feeds.people import open_people_feed
from api.kit.feeds.response import FeedResponse
from api.kit.feeds.routing import feed_router
from api.kit.openapi import problems
from api.kit.parameters import visible
from api.kit.projection import PositionText
from api.social.activity import followed, followed_in
from api.social.interactions import OWN_FOLLOWS
from tables.boards import Board
from tables.gamification import GAMIFICATION_BOARDS

router = APIRouter(prefix="/v1/leaderboards", tags=["Gamification"], responses=problems(401, 403, 410, 422, 503, 504))
feeds = feed_router("Gamification")


class FriendsBoard(BaseModel):
    """The caller and those whom the caller follows, in the order of a board."""

    board: Board
    period: str
    market: str | None
    position: PositionText
    total: Annotated[int, Field(description="people on the board: the caller and followed ones with a score")]
    rows: list[BoardRow]
    next_cursor: Annotated[str | None, Field(description="cursor of the next page; null at the end")]


@router.get(
    "/{board}/friends",
    summary="A board of friends",
    dependencies=[visible(GAMIFICATION_BOARDS)],
    responses=problems(400),
)
async def get_friends_board(
    *,
    api: ApiDep,
    caller: Caller,
    requested: RequestedBoard,
    audience: AudienceDep,
    limit: Annotated[int, Query(ge=1, le=LIMIT_MAX)] = LIMIT_DEFAULT,
    cursor: Annotated[str | None, Query(max_length=cursors.CURSOR_CHARS_MAX)] = None,
) -> FriendsBoard:
    """Return the caller and all whom the caller follows, ranked among themselves.

    All standings are read at one moment, so ranks are exact at `position`. A cursor continues after the last row that
    was shown. Private users have a rank, and no id.
    """
    people = await followed(api, caller.subject)
    reading = people_page(api, requested.group, people, caller.subject, limit=limit, cursor=cursor)
    page = await whole(api.tables, requested.period, reading)
    return FriendsBoard(
        board=requested.board,
        period=requested.period.text,
        market=requested.market,
        position=str(page.position),
        total=page.total,
        rows=[board_row(requested.board, one, audience) for one in page.members],
        next_cursor=page.next_cursor,
    )


@feeds.get("/friends-board", summary="Top of your board of friends", responses=problems(401))
async def friends_board(
    *,
    api: ApiDep,
    permit: Permitted,
    requested: KeptBoard,
    audience: AudienceDep,
    top: Annotated[int, Query(ge=1, le=TOP_MAX)] = TOP_DEFAULT,
) -> FeedResponse:
    """Follow the first of the caller and all whom the caller follows on a board, ranked among themselves.

    Deltas are those of the feed `boards`. The feed ends when the caller follows or unfollows someone: connect again.
    Each connection begins with a snapshot.
    """
    return await open_people_feed(
        api,
        BOARDS_FEED,
        lambda people: BoardView(
            api.hub.shared_by(BOARDS_FEED),
            Ranking(requested.board, requested.group, people),
            requested.period,
            top,
            audience,
        ),
        permit,
        named_by=OWN_FOLLOWS.feed,
        key=permit.caller.subject,
        people_of=partial(followed_in, permit.caller.subject),
    )
