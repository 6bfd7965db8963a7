"""The members of a constellation, ranked among themselves: pages, a member's rank, and the first of them as a feed.

It reads the rosters of the social domain and the standings of gamification, so it belongs to neither.
"""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from api.gamification.boards import BOARDS_FEED, TOP_DEFAULT
from api.gamification.left import KeptBoard, RequestedBoard, whole
from api.gamification.ranked_people import people_page, ranked_people
from api.gamification.requested import BoardRow, board_row
from api.gamification.tops import BoardView, Ranking
from api.kit import cursor as cursors
from api.kit.callers import AudienceDep
from api.kit.context import Api, ApiDep
from api.kit.feeds.people import open_people_feed
from api.kit.feeds.response import FeedResponse
from api.kit.feeds.routing import feed_router
from api.kit.openapi import problems
from api.kit.parameters import UserPath, visible
from api.kit.problems import NOT_FOUND, Problem
from api.kit.projection import PositionText
from api.social.constellation_rows import ConstellationPath, stored
from api.social.rosters import MEMBERS_FEED, members_of
from streams.events.base import ID_PATTERN
from tables.boards import Board
from tables.gamification import GAMIFICATION_BOARDS
from tables.social_constellations import SOCIAL_ROSTERS

MEMBERS_MAX: Final = 200

router = APIRouter(
    prefix="/v1/leaderboards",
    tags=["Gamification"],
    responses=problems(404, 410, 422, 503, 504),
    dependencies=[visible(GAMIFICATION_BOARDS)],
)
feeds = feed_router("Gamification")


class MembersAnswer(BaseModel):
    """The present members of a constellation in the order of a board."""

    board: Board
    period: str
    market: str | None
    constellation_id: str
    position: PositionText
    total: Annotated[int, Field(description="members with a score")]
    rows: list[BoardRow]


class MembersBoard(MembersAnswer):
    """A page of members."""

    next_cursor: Annotated[str | None, Field(description="cursor of the next page; null at the end")]


class MemberStanding(MembersAnswer):
    """The place of a member among the members; `rows` is the window around it, the member included."""

    user_id: str
    rank: int


@router.get("/{board}/members/{constellation_id}", summary="A board of members", responses=problems(400))
async def get_members_board(
    *,
    api: ApiDep,
    requested: RequestedBoard,
    constellation_id: ConstellationPath,
    audience: AudienceDep,
    limit: Annotated[int, Query(ge=1, le=MEMBERS_MAX)] = MEMBERS_MAX,
    cursor: Annotated[str | None, Query(max_length=cursors.CURSOR_CHARS_MAX)] = None,
) -> MembersBoard:
    """Return the present members of a constellation, ranked among themselves by their scores of all markets or of one.

    A score counts what a member earned in the period, also before joining. All standings are read at one moment, so
    ranks are exact at `position`. A cursor continues after the last row that was shown. Private users have a rank, and
    no id.
    """
    members = await _members(api, constellation_id)
    reading = people_page(api, requested.group, members, constellation_id, limit=limit, cursor=cursor)
    page = await whole(api.tables, requested.period, reading)
    return MembersBoard(
        board=requested.board,
        period=requested.period.text,
        market=requested.market,
        constellation_id=constellation_id,
        position=str(page.position),
        total=page.total,
        rows=[board_row(requested.board, one, audience) for one in page.members],
        next_cursor=page.next_cursor,
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
    members = await _members(api, constellation_id)
    reading = ranked_people(api.tables, requested.group, members)
    position, ranked = await whole(api.tables, requested.period, reading)
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


@feeds.get("/members-board", summary="Top of a board of members", responses=problems(404))
async def members_board(
    *,
    api: ApiDep,
    requested: KeptBoard,
    constellation: Annotated[str, Query(pattern=ID_PATTERN, description="a constellation's id")],
    audience: AudienceDep,
    top: Annotated[int, Query(ge=1, le=MEMBERS_MAX)] = TOP_DEFAULT,
) -> FeedResponse:
    """Follow the first members of a constellation on a board, ranked among themselves.

    Deltas are those of the feed `boards`. The feed ends when a member joins or leaves: connect again. Each connection
    begins with a snapshot.
    """
    await _members(api, constellation)
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
        audience,
        named_by=MEMBERS_FEED,
        key=constellation,
        people_of=members_of,
    )


async def _members(api: Api, constellation_id: str) -> tuple[str, ...]:
    _, raw = await stored(api, SOCIAL_ROSTERS, constellation_id, "constellation")
    return members_of(raw)
