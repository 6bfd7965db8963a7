"""Live feeds: `GET /v1/feed/{table}` as server-sent events."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Header, Query

from api.callers import Caller
from api.context import Api, ApiDep
from api.examples import FEED
from api.feeds import projections
from api.feeds.hub import FeedName
from api.feeds.ranked import BoardView
from api.feeds.response import FeedResponse
from api.feeds.summed import FeesView
from api.feeds.views import RowsView, TailView, View
from api.openapi import problems
from api.queries.fees import Filter
from api.queries.parameters import AskedBoard
from streams.events.base import ID_PATTERN
from tables.gamification import GAMIFICATION_PROGRESS
from tables.trading import TRADING_PORTFOLIO, TRADING_POSITIONS, position_keys

TOP_DEFAULT = 20
TOP_MAX = 100
LAST_DEFAULT = 50
LAST_MAX = 500
USERS_MAX = 100
LAST_EVENT_ID_CHARS_MAX = 65_536

EVENTS: dict[int | str, dict[str, Any]] = {
    200: {"description": "Events until either side ends it", "content": {"text/event-stream": {"example": FEED}}}
}

router = APIRouter(
    prefix="/v1/feed",
    tags=["Live feeds"],
    responses={**EVENTS, **problems(422, 503)},
    default_response_class=FeedResponse,
)

LastEventId = Annotated[
    str | None,
    Header(
        alias="Last-Event-ID",
        max_length=LAST_EVENT_ID_CHARS_MAX,
        description="the last `id` received: continues there, without gap or duplicate",
    ),
]
UserId = Annotated[str, Query(pattern=ID_PATTERN)]
Users = Annotated[list[UserId], Query(alias="user", max_length=USERS_MAX, description="only these users")]
Last = Annotated[int, Query(ge=1, le=LAST_MAX, description="how many of the newest events the snapshot has")]


@router.get("/progress", summary="Game profiles")
async def progress(api: ApiDep, users: Users = [], last_event_id: LastEventId = None) -> FeedResponse:  # noqa: B006
    """Game profiles as they change: of some users, or of all."""
    keys = [(user_id, user_id) for user_id in users] or None
    view = RowsView(api.hub.tables, GAMIFICATION_PROGRESS.name, projections.progress_row, keys=keys)
    return await _open(api, "progress", view, last_event_id)


@router.get("/boards", summary="Top of a leaderboard")
async def boards(
    api: ApiDep,
    asked: AskedBoard,
    top: Annotated[int, Query(ge=1, le=TOP_MAX)] = TOP_DEFAULT,
    last_event_id: LastEventId = None,
) -> FeedResponse:
    """The first rows of a board as they change.

    A delta has the rows whose rank or score changed and, in `removed`, the users who left the top; with
    `complete: true` its rows are all there are.
    """
    view = BoardView(api.hub.tops, asked.board, asked.group, top)
    return await _open(api, "boards", view, last_event_id)


@router.get("/fees", summary="Fee totals")
async def fees(api: ApiDep, wanted: Filter, last_event_id: LastEventId = None) -> FeedResponse:
    """Fee totals as they grow."""
    return await _open(api, "fees", FeesView(api.hub.totals, wanted), last_event_id)


@router.get("/positions", summary="Your positions", responses=problems(401))
async def positions(api: ApiDep, caller: Caller, last_event_id: LastEventId = None) -> FeedResponse:
    """The caller's net positions as they change."""
    keys = [(key, caller.subject) for key in position_keys(caller.subject, api.config.markets)]
    view = RowsView(api.hub.tables, TRADING_POSITIONS.name, projections.position_row, keys=keys)
    return await _open(api, "positions", view, last_event_id)


@router.get("/portfolio", summary="Your portfolio", responses=problems(401))
async def portfolio(api: ApiDep, caller: Caller, last_event_id: LastEventId = None) -> FeedResponse:
    """The caller's portfolio as it changes."""
    keys = [(caller.subject, caller.subject)]
    view = RowsView(api.hub.tables, TRADING_PORTFOLIO.name, projections.portfolio_row, keys=keys)
    return await _open(api, "portfolio", view, last_event_id)


@router.get("/trades", summary="Tape of fills")
async def trades(
    api: ApiDep,
    market: Annotated[str | None, Query(description="one market; left out: all")] = None,
    last: Last = LAST_DEFAULT,
    last_event_id: LastEventId = None,
) -> FeedResponse:
    """Every execution, each once; the snapshot is the newest ones."""
    channels = None if market is None else frozenset({market})
    return await _open(api, "trades", TailView(channels, last), last_event_id)


@router.get("/xp", summary="XP, levels, achievements")
async def xp(
    api: ApiDep,
    users: Users = [],  # noqa: B006 - FastAPI copies it
    last: Last = LAST_DEFAULT,
    last_event_id: LastEventId = None,
) -> FeedResponse:
    """What users earn, each event once; the snapshot is the newest ones."""
    return await _open(api, "xp", TailView(frozenset(users) or None, last), last_event_id)


async def _open(api: Api, name: FeedName, view: View, last_event_id: str | None) -> FeedResponse:
    return FeedResponse(api.hub, await api.hub.open(name, view, last_event_id or None))
