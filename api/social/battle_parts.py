"""A user's own part in battles: read and follow what the own trades count."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from starlette.responses import Response

from api.kit.answers import json_answer
from api.kit.callers import Permitted
from api.kit.context import ApiDep
from api.kit.domain import DomainApi
from api.kit.feeds.feed import Feed
from api.kit.feeds.reading import keyed_rows
from api.kit.feeds.response import FeedResponse
from api.kit.feeds.routing import LastEventId, feed_router, open_feed
from api.kit.feeds.views import RowsView
from api.kit.openapi import problems
from api.kit.own_rows import OwnRows
from api.kit.parameters import OwnUser, visible
from api.kit.past import At, rows
from api.kit.problems import NOT_FOUND, Problem
from api.kit.projection import Projection
from api.kit.users import user_router
from api.permissions import OWN, OWNED
from api.social.constellation_rows import BattlePath
from streams.events.base import ID_PATTERN
from tables.social_constellations import (
    SOCIAL_BATTLE_ENTRIES,
    SOCIAL_BATTLE_POINTS,
    BattleEntry,
    BattlePoints,
    member_key,
)

BATTLES_MAX: Final = 50

ENTRY: Final = Projection(
    BattleEntry,
    "BattleEntry",
    "The running battle that a user takes part in, and the user's points.",
    key={"user_id": str},
    omit=("reported",),
)
ENTRIES: Final = OwnRows(
    "battle-entry",
    SOCIAL_BATTLE_ENTRIES,
    ENTRY,
    title="Battle entry",
    doc="The running battle of a user, with the points so far.",
)
POINTS: Final = Projection(
    BattlePoints,
    "BattlePoints",
    "What the trades of a member count in a battle, as the member's partition reported last.",
    key={"battle_id": str, "user_id": str},
    describe={"final": "nothing more counts for this member", "prize": "stellar shards of the member, once completed"},
)
POINTS_ANSWER: Final = POINTS.answer("BattlePointsAnswer", "A user's part in a battle. It is true for `position`.")
POINTS_FEED: Final[Feed[Any]] = Feed(name="battle-points", follows=SOCIAL_BATTLE_POINTS, read=keyed_rows(POINTS))

users: APIRouter = user_router()
feeds = feed_router()


@users.get(
    "/{user_id}/battles/{battle_id}",
    summary="Part in a battle",
    dependencies=[visible(SOCIAL_BATTLE_POINTS, private=True)],
    response_model=POINTS_ANSWER,
    responses=problems(401, 403),
)
async def get_part(api: ApiDep, user_id: OwnUser, battle_id: BattlePath, at: At = None) -> Response:
    """Return what the user's trades count in a battle, running or completed. For the user, and for staff."""
    key = member_key(battle_id, user_id)
    position, [raw] = await rows(api, SOCIAL_BATTLE_POINTS, [key], battle_id, at)
    if raw is None:
        raise Problem(NOT_FOUND, f"{user_id!r} has no part in the battle {battle_id!r}", position=str(position))
    return json_answer({**POINTS.load(key, raw), "position": str(position)})


@feeds.get("/battle-points", summary="Your part in battles", responses=problems(401))
async def follow_parts(
    api: ApiDep,
    permit: Permitted,
    battle: Annotated[
        list[Annotated[str, Query(pattern=ID_PATTERN)]],
        Query(min_length=1, max_length=BATTLES_MAX, description="in these battles"),
    ],
    last_event_id: LastEventId = None,
) -> FeedResponse:
    """Follow what the caller's trades count in some battles, running or completed."""
    keys = [(member_key(one, permit.caller.subject), one) for one in battle]
    view = RowsView(
        api.hub.tables,
        SOCIAL_BATTLE_POINTS.name,
        POINTS.load,
        keys=keys,
        channels=frozenset(key for key, _ in keys),
    )
    return await open_feed(api, POINTS_FEED, view, last_event_id, permit)


API: Final = DomainApi(
    title="Parts in battles",
    description="What the trades of a user count in battles.",
    routers=(users, feeds, *ENTRIES.routers),
    feeds=(POINTS_FEED, ENTRIES.feed),
    permissions={
        ("GET", "/v1/users/{user_id}/battles/{battle_id}"): OWNED,
        ("GET", "/v1/feed/battle-points"): OWN,
        **ENTRIES.permissions,
    },
)
