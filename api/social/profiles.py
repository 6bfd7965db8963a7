"""Public profiles of users: set one's own, read and follow those of others."""

from __future__ import annotations

from typing import Any, Final

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict
from starlette.responses import Response

from api.auth import Role
from api.kit.commands.admission import WhenDelayed
from api.kit.commands.answers import Accepted, accepted
from api.kit.commands.reading import CommandRoute, Reader
from api.kit.domain import AcceptedCommand, DomainApi
from api.kit.openapi import problems
from api.kit.projection import Projection
from api.kit.public import cut_to_hour
from api.kit.public_user_rows import PublicUserRows
from api.permissions import Scope, only
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
    routers=(commands, *PROFILES.routers),
    feeds=(PROFILES.feed,),
    commands={CreateProfile: AcceptedCommand(Profile, WhenDelayed.ACCEPT)},
    permissions={
        ("PUT", "/v1/profile"): only(Role.USER, Scope.ACCOUNT),
        **PROFILES.permissions,
    },
)
