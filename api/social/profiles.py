"""Public profiles of users: set one's own, read and follow those of others."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, JsonValue
from starlette.responses import Response

from api.auth import Role
from api.kit.answers import json_answer
from api.kit.callers import AudienceDep
from api.kit.commands.admission import WhenDelayed
from api.kit.commands.answers import Accepted, accepted
from api.kit.commands.reading import CommandRoute, Reader
from api.kit.context import ApiDep
from api.kit.domain import AcceptedCommand, DomainApi
from api.kit.feeds.routing import USERS_MAX, UserId
from api.kit.openapi import problems
from api.kit.parameters import visible
from api.kit.projection import Projection
from api.kit.public import cut_to_hour
from api.kit.public_user_rows import PublicUserRows
from api.permissions import PUBLIC, Scope, only
from streams.events.social import CreateProfile
from streams.events.texts import Bio, DisplayName
from tables.social_people import SOCIAL_PROFILES, SocialProfile

PROFILE: Final = Projection(SocialProfile, "SocialProfile", "A public profile.", key={"user_id": str})


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


PROFILES_ANSWER: Final = PROFILE.list_answer(
    "ProfilesAnswer", "Public profiles, and the position they are true for.", "profiles"
)
queries = APIRouter(prefix="/v1", responses=problems(410, 422, 503, 504))


@queries.get(
    "/profiles",
    summary="Public profiles of users",
    dependencies=[visible(SOCIAL_PROFILES)],
    response_model=PROFILES_ANSWER,
)
async def get_profiles(
    api: ApiDep,
    audience: AudienceDep,
    users: Annotated[list[UserId], Query(alias="user", min_length=1, max_length=USERS_MAX, examples=[["trader-2"]])],
) -> Response:
    """Return the profiles of up to 100 users, read at one moment, such as the names of those on a board.

    Users without a profile are left out, and for others private users, too.
    """
    shown = [user_id for user_id in dict.fromkeys(users) if not audience.hides(user_id)]
    position, found = await api.tables.get_many(SOCIAL_PROFILES.name, [(user_id, user_id) for user_id in shown])
    rows = [(user_id, PROFILE.load(user_id, raw)) for user_id, raw in zip(shown, found, strict=True) if raw is not None]
    profiles: list[JsonValue] = [row if audience.knows(user_id) else public_profile(row) for user_id, row in rows]
    return json_answer({"position": str(position), "profiles": profiles})


PROFILES: Final = PublicUserRows(
    ("profile", "profiles"),
    SOCIAL_PROFILES,
    PROFILE,
    public_profile,
    title="Public profile",
    doc="A user's public profile.",
)
API: Final = DomainApi(
    title="Profiles",
    description="Public profiles of users.",
    routers=(commands, queries, *PROFILES.routers),
    feeds=(PROFILES.feed,),
    commands={CreateProfile: AcceptedCommand(Profile, WhenDelayed.ACCEPT)},
    permissions={
        ("GET", "/v1/profiles"): PUBLIC,
        ("PUT", "/v1/profile"): only(Role.USER, Scope.ACCOUNT),
        **PROFILES.permissions,
    },
)
