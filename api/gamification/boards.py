"""Leaderboards: pages, a user's rank, the window around it; and the top of a board as a feed."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field

from api.gamification.left import KeptBoard, RequestedBoard, whole
from api.gamification.requested import BoardRow, Leaderboard, board_row
from api.gamification.seals import Seals
from api.gamification.tops import BoardView, Ranking, Tops, read_standings
from api.kit import cursor as cursors
from api.kit.audience import Audience
from api.kit.callers import AudienceDep
from api.kit.context import Api, ApiDep
from api.kit.feeds.feed import Feed
from api.kit.feeds.response import FeedResponse
from api.kit.feeds.routing import USERS_MAX, LastEventId, UserId, feed_router, open_feed
from api.kit.openapi import problems
from api.kit.parameters import UserPath, visible
from api.kit.problems import NOT_FOUND, Problem, invalid
from api.kit.projection import PositionText
from api.kit.ranking_pages import ranking_page
from api.limits.charge import charge_items
from tables.boards import CONSTELLATIONS, Board, group
from tables.gamification import GAMIFICATION_BOARDS
from tables.rankings import Place, RankingPage

LIMIT_DEFAULT = 100
LIMIT_MAX = 1_000
NEIGHBOURS_MAX = 100
TOP_DEFAULT = 20
TOP_MAX = 100
BOARDS_ROUND_S = 0.035
"""How long the feed rests between two rounds: a board that changes all the time is read again so often at most."""

TABLE = GAMIFICATION_BOARDS.name

router = APIRouter(
    prefix="/v1/leaderboards",
    responses=problems(404, 410, 422, 503, 504),
    dependencies=[visible(GAMIFICATION_BOARDS)],
)
feeds = feed_router()

BOARDS_FEED: Final = Feed(
    name="boards", follows=GAMIFICATION_BOARDS, read=lambda _sealer: read_standings, round_s=BOARDS_ROUND_S, shared=Tops
)


class BoardAnswer(BaseModel):
    """The common members of all answers about a board."""

    board: Board
    period: str
    market: str | None
    position: PositionText
    total: Annotated[int, Field(description="users on the board")]
    sealed: Annotated[bool, Field(description="no event can change this board any more")]
    digest: Annotated[
        str | None,
        Field(description="of a sealed board: as proofs of ranks name it, for staff; keyed for others"),
    ]
    rows: list[BoardRow]


def shown_digest(api: Api, digest: str, audience: Audience) -> str:
    """Return the digest of a sealed board as a reader sees it."""
    if audience.is_staff:
        return digest
    return api.sealer.keyed_digest(digest)  # a plain one would let a reader try out names for private users


class BoardPage(BoardAnswer):
    """A page of a board."""

    next_cursor: Annotated[str | None, Field(description="cursor of the next page; null at the end")]


class UserRanks(BoardAnswer):
    """The places of those of the users who are on the board, in its order. Ranks count all users on the board."""


class UserStanding(BoardAnswer):
    """The place of a user; `rows` is the window around it, the user included."""

    user_id: str
    rank: int
    score: int | str


@router.get("/{board}", summary="A board's page", responses=problems(400))
async def get_board(
    api: ApiDep,
    requested: RequestedBoard,
    audience: AudienceDep,
    limit: Annotated[int, Query(ge=1, le=LIMIT_MAX)] = LIMIT_DEFAULT,
    cursor: Annotated[str | None, Query(max_length=cursors.CURSOR_CHARS_MAX)] = None,
) -> BoardPage:
    """Return the first rows of a board, or the rows after a cursor.

    Order: score descending, who reached it first, user id. A cursor continues after the last row that was shown: a user
    whose score did not change meanwhile is neither skipped nor shown twice. Private users have a rank, and no id.
    """
    reading = ranking_page(api, GAMIFICATION_BOARDS, requested.group, limit=limit, cursor=cursor)
    page, next_cursor = await whole(api.tables, requested.period, reading)
    shown = [board_row(requested.board, ranked, audience) for ranked in page.members]
    head = await _head(api, requested, page, shown, audience)
    return BoardPage(**dict(head), next_cursor=next_cursor)


@router.get("/{board}/ranks", summary="Ranks of users")
async def get_ranks(
    api: ApiDep,
    requested: RequestedBoard,
    audience: AudienceDep,
    request: Request,
    users: Annotated[list[UserId], Query(alias="user", min_length=1, max_length=USERS_MAX, examples=[["trader-2"]])],
) -> UserRanks:
    """Return the places of up to 100 users on a board, in its order, with their ranks among all, read at one moment.

    Users who are not on the board are left out, and for others private users, too. Each user after the first costs a
    unit.
    """
    people = list(dict.fromkeys(users))
    await charge_items(request.scope, len(people))
    found = await whole(api.tables, requested.period, api.tables.places(TABLE, requested.group, people))
    shown = [board_row(requested.board, one, audience) for one in found.members if not audience.hides(one.member)]
    return UserRanks(**dict(await _head(api, requested, found, shown, audience)))


@router.get("/{board}/users/{user_id}", summary="A user's rank")
async def get_standing(
    api: ApiDep,
    requested: RequestedBoard,
    user_id: UserPath,
    audience: AudienceDep,
    neighbours: Annotated[int, Query(ge=0, le=NEIGHBOURS_MAX, description="rows on each side")] = 0,
) -> UserStanding:
    """Return a user's place on a board, with the rows around it. For others, a private user is not found."""
    reading = api.tables.place(TABLE, requested.group, user_id, owner=user_id, neighbours=neighbours)
    found = await whole(api.tables, requested.period, reading)
    if found.member is None or audience.hides(user_id):
        raise Problem(NOT_FOUND, f"{user_id!r} is not on this board", position=str(found.position))
    own = board_row(requested.board, found.member, audience)
    around = [board_row(requested.board, ranked, audience) for ranked in found.around]
    head = await _head(api, requested, found, around, audience)
    return UserStanding(**dict(head), user_id=user_id, rank=own.rank, score=own.score)


async def _head(
    api: Api, requested: Leaderboard, found: RankingPage | Place, shown: list[BoardRow], audience: Audience
) -> BoardAnswer:
    seal = await api.part(Seals).seal(requested.group, requested.period, found.position.epoch)
    digest = None if seal is None else shown_digest(api, seal.digest, audience)
    return BoardAnswer(
        board=requested.board,
        period=requested.period.text,
        market=requested.market,
        position=str(found.position),
        total=found.total,
        sealed=digest is not None,
        digest=digest,
        rows=shown,
    )


@feeds.get("/boards", summary="Top of a leaderboard")
async def boards(
    api: ApiDep,
    requested: KeptBoard,
    audience: AudienceDep,
    top: Annotated[int, Query(ge=1, le=TOP_MAX)] = TOP_DEFAULT,
    *,
    constellations: Annotated[bool, Query(description="of constellations, by the XP of their members")] = False,
    last_event_id: LastEventId = None,
) -> FeedResponse:
    """Follow the first rows of a board, or of the board `xp` of constellations.

    A delta has the rows whose rank or score changed and, in `removed`, the users who left the top; with
    `complete: true` its rows are all there are. Private users have no id.
    """
    if constellations and requested.board != "xp":
        raise invalid("constellations", f"constellations are ranked by xp, not by {requested.board}")
    ranked = group("xp", CONSTELLATIONS, requested.period.text) if constellations else requested.group
    ranking = Ranking(requested.board, ranked)
    view = BoardView(api.hub.shared_by(BOARDS_FEED), ranking, requested.period, top, audience)
    return await open_feed(api, BOARDS_FEED, view, last_event_id, audience)
