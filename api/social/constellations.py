"""Constellations: list them by battle rating, read and follow them."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from starlette.responses import Response

from api.kit import cursor as cursors
from api.kit.answers import json_answer
from api.kit.context import ApiDep
from api.kit.domain import DomainApi
from api.kit.feeds.feed import Feed
from api.kit.feeds.reading import user_rows
from api.kit.feeds.response import FeedResponse
from api.kit.feeds.routing import LastEventId, feed_router, open_feed
from api.kit.feeds.views import RowsView
from api.kit.openapi import problems
from api.kit.own_rows import OwnRows
from api.kit.parameters import visible
from api.kit.problems import NOT_FOUND, Problem
from api.kit.projection import PositionText, Projection
from api.kit.public import hour_of
from api.kit.ranking_pages import ranking_page
from api.permissions import PUBLIC
from api.social.constellation_rows import (
    CONSTELLATION,
    CONSTELLATION_ANSWER,
    ConstellationPath,
    stored,
)
from streams.events.base import ID_PATTERN
from streams.times import Instant
from tables.social_constellations import (
    RATING_GROUP,
    SOCIAL_CONSTELLATIONS,
    SOCIAL_MEMBERSHIPS,
    SOCIAL_RATINGS,
    Constellation,
    Membership,
)

LIMIT_DEFAULT = 50
LIMIT_MAX = 200
NEIGHBOURS_MAX = 50


class RankedConstellation(BaseModel):
    """A place on the board of battle ratings."""

    rank: int
    constellation_id: str
    rating: int
    reached_at: Annotated[Instant, Field(description="cut to the hour")]
    constellation: Annotated[
        CONSTELLATION.model | None,  # type: ignore[name-defined]
        Field(description="null when it was dissolved while the page was read"),
    ]


class ConstellationsPage(BaseModel):
    """Constellations by battle rating. `position` is that of the board."""

    position: PositionText
    total: int
    constellations: list[RankedConstellation]
    next_cursor: Annotated[str | None, Field(description="cursor of the next page; null at the end")]


class RatingRank(BaseModel):
    """A constellation's rank by battle rating, and its neighbours."""

    position: PositionText
    total: int
    rank: int
    rating: int
    around: list[tuple[int, str, int]]


MEMBERSHIP: Final = Projection(
    Membership,
    "Membership",
    "A user's constellation, or the reservation while one decides.",
    key={"user_id": str},
    omit=("request_id",),
)
MEMBERSHIPS: Final = OwnRows(
    "membership", SOCIAL_MEMBERSHIPS, MEMBERSHIP, title="Membership", doc="The constellation that a user belongs to."
)
CONSTELLATIONS_FEED: Final[Feed[Any]] = Feed(
    name="constellations", follows=SOCIAL_CONSTELLATIONS, read=user_rows(CONSTELLATION)
)

queries = APIRouter(prefix="/v1/constellations", responses=problems(404, 410, 422, 503, 504))
feeds = feed_router()


@queries.get("", summary="Constellations", dependencies=[visible(SOCIAL_RATINGS)], responses=problems(400))
async def get_constellations(
    api: ApiDep,
    limit: Annotated[int, Query(ge=1, le=LIMIT_MAX)] = LIMIT_DEFAULT,
    cursor: Annotated[str | None, Query(max_length=cursors.CURSOR_CHARS_MAX)] = None,
) -> ConstellationsPage:
    """Return constellations by battle rating, highest first, then by who reached it first, then by id."""
    page, next_cursor = await ranking_page(api, SOCIAL_RATINGS, RATING_GROUP, limit=limit, cursor=cursor)
    _, found = await api.tables.get_many(SOCIAL_CONSTELLATIONS.name, [(one.member, one.member) for one in page.members])
    rows = [
        RankedConstellation(
            rank=one.rank,
            constellation_id=one.member,
            rating=one.standing.score,
            reached_at=hour_of(Instant(one.standing.reached_at)),
            constellation=None if raw is None else CONSTELLATION.load(one.member, raw),
        )
        for one, raw in zip(page.members, found, strict=True)
    ]
    return ConstellationsPage(
        position=str(page.position), total=page.total, constellations=rows, next_cursor=next_cursor
    )


@queries.get(
    "/{constellation_id}",
    summary="Constellation",
    dependencies=[visible(SOCIAL_CONSTELLATIONS)],
    response_model=CONSTELLATION_ANSWER,
)
async def get_constellation(api: ApiDep, constellation_id: ConstellationPath) -> Response:
    """Return a constellation. A dissolved one is not found."""
    position, raw = await stored(api, SOCIAL_CONSTELLATIONS, constellation_id, "constellation")
    if Constellation.load(raw).dissolved_at:
        raise Problem(NOT_FOUND, f"the constellation {constellation_id!r} was dissolved", position=position)
    return json_answer({**CONSTELLATION.load(constellation_id, raw), "position": position})


@queries.get("/{constellation_id}/rank", summary="Rank by battle rating", dependencies=[visible(SOCIAL_RATINGS)])
async def get_rank(
    api: ApiDep,
    constellation_id: ConstellationPath,
    neighbours: Annotated[int, Query(ge=0, le=NEIGHBOURS_MAX, description="rows on each side")] = 0,
) -> RatingRank:
    """Return a constellation's rank by battle rating, with the window (rank, id, rating) around it."""
    found = await api.tables.place(
        SOCIAL_RATINGS.name, RATING_GROUP, constellation_id, owner=constellation_id, neighbours=neighbours
    )
    if found.member is None:
        raise Problem(NOT_FOUND, f"{constellation_id!r} is not on this board", position=str(found.position))
    return RatingRank(
        position=str(found.position),
        total=found.total,
        rank=found.member.rank,
        rating=found.member.standing.score,
        around=[(one.rank, one.member, one.standing.score) for one in found.around],
    )


@feeds.get("/constellations", summary="Constellations")
async def follow_constellations(
    api: ApiDep,
    constellation: Annotated[
        list[Annotated[str, Query(pattern=ID_PATTERN)]], Query(max_length=100, description="only these")
    ] = [],  # noqa: B006 - FastAPI copies it
    last_event_id: LastEventId = None,
) -> FeedResponse:
    """Follow constellations with members, level and battle rating: some, or all."""
    keys = [(one, one) for one in constellation] or None
    view = RowsView(api.hub.tables, SOCIAL_CONSTELLATIONS.name, CONSTELLATION.load, keys=keys)
    return await open_feed(api, CONSTELLATIONS_FEED, view, last_event_id)


API: Final = DomainApi(
    title="Constellations",
    description="Constellations and their battle ratings.",
    routers=(queries, feeds, *MEMBERSHIPS.routers),
    feeds=(CONSTELLATIONS_FEED, MEMBERSHIPS.feed),
    permissions={
        ("GET", "/v1/constellations"): PUBLIC,
        ("GET", "/v1/constellations/{constellation_id}"): PUBLIC,
        ("GET", "/v1/constellations/{constellation_id}/rank"): PUBLIC,
        ("GET", "/v1/feed/constellations"): PUBLIC,
        **MEMBERSHIPS.permissions,
    },
)
