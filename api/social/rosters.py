"""The members of constellations: read and follow them; and whom a constellation has banned, for those who lead it."""

from __future__ import annotations

from typing import Annotated, Any, Final

import orjson
from fastapi import APIRouter, Query
from pydantic import BaseModel, Field, create_model
from starlette.responses import Response

from api.kit.answers import json_answer
from api.kit.audience import Audience
from api.kit.callers import AudienceDep, Caller
from api.kit.context import ApiDep
from api.kit.domain import DomainApi
from api.kit.feeds.change import Changes
from api.kit.feeds.feed import Feed
from api.kit.feeds.public_form import PublicForm, PublicRows
from api.kit.feeds.reading import user_rows
from api.kit.feeds.response import FeedResponse
from api.kit.feeds.routing import LastEventId, feed_router, open_feed
from api.kit.feeds.views import RowsView
from api.kit.openapi import problems
from api.kit.parameters import visible
from api.kit.problems import FORBIDDEN, NOT_FOUND, Problem
from api.kit.projection import PositionText, Projection
from api.kit.public import cut_to_hour
from api.permissions import OWN, PUBLIC
from api.social.constellation_rows import ConstellationPath, stored
from streams.events.base import ID_PATTERN
from tables.social_constellations import LEADERS, SOCIAL_MEMBERSHIPS, SOCIAL_ROSTERS, Member, Membership, Roster

CONSTELLATIONS_MAX: Final = 100

MEMBER: Final = Projection(
    Member,
    "MemberRow",
    "A member of a constellation.",
    omit=("request_id",),
    describe={"joined_at": "cut to the hour, except for staff"},
)
ROSTER: Final = Projection(
    Roster,
    "RosterRow",
    "The members of a constellation, in the order of joining.",
    key={"constellation_id": str},
    omit=("banned",),
    nested=(MEMBER,),
)
MEMBERS_FEED: Final[Feed[Any]] = Feed(name="members", follows=SOCIAL_ROSTERS, read=user_rows(ROSTER))

FORM: Final = PublicForm()

MemberId = Annotated[str | None, Field(description="null for a private user, unless you are that user or staff")]
PublicMember = create_model(
    "Member", __doc__="A member of a constellation.", __base__=MEMBER.model, user_id=(MemberId, ...)
)
MembersAnswer = create_model(
    "MembersAnswer",
    __doc__="The members of a constellation, in the order of joining.",
    __base__=ROSTER.model,
    members=(list[PublicMember], ...),
    position=(PositionText, ...),
)


class BansAnswer(BaseModel):
    """The users whom a constellation has banned, in the order of the bans."""

    position: PositionText
    constellation_id: str
    banned: Annotated[list[str], Field(description="ids, also of private users: a ban is lifted by the id")]


def members_of(raw: bytes | None) -> tuple[str, ...]:
    """Return the present members that a stored roster names, in the order of joining."""
    return () if raw is None else tuple(member.user_id for member in Roster.load(raw).members)


def shown(row: dict[str, Any], audience: Audience) -> dict[str, Any]:
    """Return a roster as a reader sees it: private members have no id, and times are cut to the hour."""
    if audience.is_staff or "members" not in row:  # it has none once the constellation was dissolved
        return row
    hours = [{**one, "joined_at": cut_to_hour(one["joined_at"])} for one in row["members"]]
    return {**row, "members": [{**one, "user_id": None} if audience.hides(one["user_id"]) else one for one in hours]}


class RosterRows(PublicRows):
    """Rosters as one subscriber sees them. All of the public see the same of them, and all of the staff."""

    def __init__(self, audience: Audience) -> None:
        super().__init__(FORM, audience)
        self._reader = audience

    def encode(self, user_id: str, row: dict[str, Any]) -> bytes | None:
        """Return a roster as JSON."""
        del user_id  # the constellation's id, by which no row is left out
        return orjson.dumps(shown(row, self._reader))

    def delta(self, changes: Changes) -> bytes | None:
        """Return the data of a delta. A private reader may be a member, and shares it with no one."""
        return super().delta(changes) if self._reader.private_self is None else self._encoded(changes)


queries = APIRouter(prefix="/v1/constellations", responses=problems(404, 410, 422, 503, 504))
own = APIRouter(prefix="/v1", responses=problems(401, 403, 404, 410, 422, 503, 504))
feeds = feed_router()


@queries.get(
    "/{constellation_id}/members",
    summary="Members",
    dependencies=[visible(SOCIAL_ROSTERS)],
    response_model=MembersAnswer,
)
async def get_members(api: ApiDep, constellation_id: ConstellationPath, audience: AudienceDep) -> Response:
    """Return the members of a constellation. Private users have no id, except for themselves and staff."""
    position, raw = await stored(api, SOCIAL_ROSTERS, constellation_id, "constellation")
    return json_answer({**shown(ROSTER.load(constellation_id, raw), audience), "position": position})


@own.get("/constellation/bans", summary="Bans", dependencies=[visible(SOCIAL_ROSTERS)])
async def get_bans(api: ApiDep, caller: Caller) -> BansAnswer:
    """Return the users whom the caller's constellation has banned. Its owner and admins may."""
    _, slot = await api.tables.get(SOCIAL_MEMBERSHIPS.name, caller.subject, owner=caller.subject)
    if slot is None:
        raise Problem(NOT_FOUND, "you belong to no constellation")
    constellation_id = Membership.load(slot).constellation_id
    position, raw = await stored(api, SOCIAL_ROSTERS, constellation_id, "constellation")
    roster = Roster.load(raw)
    member = roster.member(caller.subject)
    if member is None or member.role not in LEADERS:
        raise Problem(FORBIDDEN, "the owner and admins of a constellation may see whom it has banned")
    return BansAnswer(position=position, constellation_id=constellation_id, banned=list(roster.banned))


@feeds.get("/members", summary="Members")
async def follow_members(
    api: ApiDep,
    audience: AudienceDep,
    constellation: Annotated[
        list[Annotated[str, Query(pattern=ID_PATTERN)]],
        Query(max_length=CONSTELLATIONS_MAX, description="only these"),
    ] = [],  # noqa: B006 - FastAPI copies it
    last_event_id: LastEventId = None,
) -> FeedResponse:
    """Follow the members of some constellations, or of all. Private members have no id."""
    keys = [(one, one) for one in constellation] or None
    view = RowsView(api.hub.tables, SOCIAL_ROSTERS.name, ROSTER.load, keys=keys, public=RosterRows(audience))
    return await open_feed(api, MEMBERS_FEED, view, last_event_id, audience)


API: Final = DomainApi(
    title="Members",
    description="The members of constellations.",
    routers=(queries, own, feeds),
    feeds=(MEMBERS_FEED,),
    permissions={
        ("GET", "/v1/constellations/{constellation_id}/members"): PUBLIC,
        ("GET", "/v1/constellation/bans"): OWN,
        ("GET", "/v1/feed/members"): PUBLIC,
    },
)
