"""Interactions with other users: commands, whom one follows, and what counts towards the hourly limit."""

from __future__ import annotations

from typing import Final, Self

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, model_validator
from starlette.responses import Response

from api.auth import Role
from api.kit.commands.admission import WhenDelayed
from api.kit.commands.answers import Accepted, accepted
from api.kit.commands.reading import WITHOUT_BODY, CommandRoute, Reader, read_without_body
from api.kit.domain import AcceptedCommand, DomainApi
from api.kit.openapi import problems
from api.kit.own_rows import OwnRows
from api.kit.parameters import UserPath
from api.kit.problems import invalid
from api.kit.projection import Projection
from api.permissions import Scope, only
from streams.events.social import ContentId, Interact, InteractionKind, Platform, Unfollow
from tables.social_people import SOCIAL_FOLLOWS, SOCIAL_INTERACTIONS, Follow, Follows, Interactions

CONTENT_KINDS: Final = frozenset({"like", "comment", "share"})
"""The interactions that may be about content."""

FOLLOW: Final = Projection(
    Follow,
    "Follow",
    "A user whom another follows.",
    omit=("withdrawn",),
    rename={"request_id": "waits_for"},
    describe={
        "friend": "the other follows back",
        "waits_for": "the command that the other's partition has yet to answer; empty once the follow stands",
    },
)
FOLLOWS: Final = Projection(
    Follows,
    "Follows",
    "Whom a user follows, by the other's id.",
    key={"user_id": str},
    nested=(FOLLOW,),
)
OWN_FOLLOWS: Final = OwnRows("follows", SOCIAL_FOLLOWS, FOLLOWS, title="Follows", doc="Whom the user follows.")
RECENT: Final = Projection(
    Interactions,
    "RecentInteractions",
    "The times of the last interactions, which count towards the hourly limit.",
    key={"user_id": str},
)
OWN_RECENT: Final = OwnRows(
    "recent-interactions",
    SOCIAL_INTERACTIONS,
    RECENT,
    title="Recent interactions",
    doc="The times of the user's last interactions, which count towards the hourly limit.",
)


class Interaction(BaseModel):
    """What the caller does to another user, or to content of that user."""

    model_config = ConfigDict(extra="forbid")

    kind: InteractionKind
    content_id: ContentId | None = None
    platform: Platform | None = None

    @model_validator(mode="after")
    def _about_content(self) -> Self:
        if self.content_id is not None and self.kind not in CONTENT_KINDS:
            raise ValueError(f"a {self.kind} is about a user; only like, comment and share may name a content_id")
        if (self.platform is not None) != (self.kind == "share" and self.content_id is not None):
            raise ValueError("a share of content names its platform, and no other interaction does")
        return self


EXAMPLES: Final = {
    "follow": {"kind": "follow"},
    "share content": {"kind": "share", "content_id": "0192f7c4-5d6e-7a10-8f00-1b2c3d4e5f60", "platform": "reddit"},
}

read_interaction = Reader(Interaction)
commands = APIRouter(prefix="/v1", responses=problems(400, 401, 403, 413, 415, 422, 503), route_class=CommandRoute)


@commands.post(
    "/users/{user_id}/interactions",
    status_code=202,
    summary="Interact with a user",
    response_model=Accepted,
    openapi_extra=read_interaction.described(EXAMPLES),
)
async def interact(request: Request, user_id: UserPath) -> Response:
    """Like, comment, share, endorse, follow or report. Rejections (limits, unknown users) come on `my-social`."""
    asked = await read_interaction(request)
    if user_id == asked.caller:
        raise invalid("user_id", "a user cannot interact with themselves")
    submission = await asked.begin(Interact, f"interactions.{user_id}")
    command = submission.entry(Interact(target=user_id, **dict(asked.value)), submission.event_id())
    written = await asked.api.writer.write(Interact, [command], submission)
    return accepted(asked.api, written, Interact)


@commands.delete(
    "/users/{user_id}/follow",
    status_code=202,
    summary="Unfollow a user",
    response_model=Accepted,
    openapi_extra=WITHOUT_BODY,
)
async def unfollow(request: Request, user_id: UserPath) -> Response:
    """Follow a user no longer."""
    asked = read_without_body(request)
    submission = await asked.begin(Unfollow, f"follow.delete.{user_id}")
    command = submission.entry(Unfollow(target=user_id), submission.event_id())
    written = await asked.api.writer.write(Unfollow, [command], submission)
    return accepted(asked.api, written, Unfollow)


API: Final = DomainApi(
    title="Interactions",
    description="What users do with each other.",
    routers=(commands, *OWN_FOLLOWS.routers, *OWN_RECENT.routers),
    feeds=(OWN_FOLLOWS.feed, OWN_RECENT.feed),
    commands={
        Interact: AcceptedCommand(Interaction, WhenDelayed.ACCEPT),
        Unfollow: AcceptedCommand(None, WhenDelayed.ACCEPT),
    },
    permissions={
        ("POST", "/v1/users/{user_id}/interactions"): only(Role.USER, Scope.ACCOUNT),
        ("DELETE", "/v1/users/{user_id}/follow"): only(Role.USER, Scope.ACCOUNT),
        **OWN_FOLLOWS.permissions,
        **OWN_RECENT.permissions,
    },
)
