"""Public profiles of users: set one's own, read and follow those of others."""

from __future__ import annotations

from typing import Any, Final

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict
from starlette.responses import Response

from api.auth import Role
from api.kit.callers import AudienceDep
from api.kit.commands.admission import WhenDelayed
from api.kit.commands.answers import Accepted, accepted
from api.kit.commands.reading import CommandRoute, Reader
from api.kit.context import ApiDep
from api.kit.domain import AcceptedCommand, DomainApi
from api.kit.feeds.feed import Feed
from api.kit.feeds.public_form import PublicForm, PublicRows
from api.kit.feeds.reading import user_rows
from api.kit.feeds.response import FeedResponse
from api.kit.feeds.routing import LastEventId, Users, feed_router, open_feed
from api.kit.feeds.views import RowsView
from api.kit.openapi import problems
from api.kit.parameters import UserPath, visible
from api.kit.projection import Projection
from api.kit.public import cut_to_hour
from api.kit.users import user_router, user_row
from api.permissions import PUBLIC, Scope, only
from streams.events.social import Bio, CreateProfile, DisplayName
from tables.social_people import SOCIAL_PROFILES, SocialProfile

PROFILE: Final = Projection(SocialProfile, "SocialProfile", "A public profile.", key={"user_id": str})
PROFILE_ANSWER: Final = PROFILE.answer("SocialProfileAnswer", "A public profile, and the position it is true for.")
PROFILES_FEED: Final[Feed[Any]] = Feed(name="profiles", follows=SOCIAL_PROFILES, read=user_rows(PROFILE))


class Profile(BaseModel):
    """The caller's public profile."""

    model_config = ConfigDict(extra="forbid")

    display_name: DisplayName
    bio: Bio = ""


def public_profile(row: dict[str, Any]) -> dict[str, Any]:
    """Return what the public sees of a profile: its time is cut to the hour."""
    return {**row, "updated_at": cut_to_hour(row["updated_at"])} if "updated_at" in row else row


read_profile = Reader(Profile)
commands = APIRouter(prefix="/v1", responses=problems(400, 401, 403, 413, 415, 422, 503), route_class=CommandRoute)
queries, feeds = user_router(), feed_router()


@commands.put(
    "/profile",
    status_code=202,
    summary="Set your public profile",
    response_model=Accepted,
    openapi_extra=read_profile.described({"a trader": {"display_name": "Ada", "bio": "Long on analytical engines."}}),
)
async def set_profile(request: Request) -> Response:
    """Create or replace the caller's public profile."""
    profile = await read_profile(request)
    submission = await profile.begin(CreateProfile, "profile")
    command = submission.entry(CreateProfile(**dict(profile.value)), submission.event_id())
    written = await profile.api.writer.write(CreateProfile, [command], submission)
    return accepted(profile.api, written, CreateProfile)


@queries.get(
    "/{user_id}/profile",
    summary="Public profile",
    dependencies=[visible(SOCIAL_PROFILES)],
    response_model=PROFILE_ANSWER,
)
async def get_profile(api: ApiDep, user_id: UserPath, audience: AudienceDep) -> Response:
    """Return a user's public profile. A private user is unknown here to everyone else."""
    return await user_row(api, SOCIAL_PROFILES, PROFILE, user_id, public=(audience, public_profile))


@feeds.get("/profiles", summary="Public profiles")
async def follow_profiles(
    api: ApiDep,
    audience: AudienceDep,
    users: Users = [],  # noqa: B006 - FastAPI copies it
    last_event_id: LastEventId = None,
) -> FeedResponse:
    """Follow public profiles: of some users, or of all. Private users are left out."""
    keys = [(user_id, user_id) for user_id in users] or None
    public = PublicRows(PublicForm(public_profile), audience)
    view = RowsView(api.hub.tables, SOCIAL_PROFILES.name, PROFILE.load, keys=keys, public=public)
    return await open_feed(api, PROFILES_FEED, view, last_event_id, audience)


API: Final = DomainApi(
    title="Profiles",
    description="Public profiles of users.",
    routers=(commands, queries, feeds),
    feeds=(PROFILES_FEED,),
    commands={CreateProfile: AcceptedCommand(Profile, WhenDelayed.ACCEPT)},
    permissions={
        ("PUT", "/v1/profile"): only(Role.USER, Scope.ACCOUNT),
        ("GET", "/v1/users/{user_id}/profile"): PUBLIC,
        ("GET", "/v1/feed/profiles"): PUBLIC,
    },
)
