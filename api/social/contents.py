"""Contents that users share: make one, share it elsewhere, read and follow those of users."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Request
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
from streams.events.base import ID_PATTERN, Name
from streams.events.social import ContentKind, Platform, ShareContent
from streams.ids import derived_id, timestamp_ms
from tables.social_people import SOCIAL_CONTENTS, Content, Contents

CONTENT: Final = Projection(
    Content,
    "Content",
    "Content that a user shared.",
    describe={
        "about": "the id of the trade, achievement, battle or token that it shows; empty when it names none",
        "platforms": "where its author has shared it",
        "viral_tenths": "its viral score in tenths of a point",
    },
)
CONTENTS: Final = Projection(
    Contents,
    "Contents",
    "The newest contents of a user, by their ids.",
    key={"user_id": str},
    nested=(CONTENT,),
)


class NewContent(BaseModel):
    """Content that the caller shares for the first time."""

    model_config = ConfigDict(extra="forbid")

    kind: ContentKind
    platform: Platform
    about: Name | None = None


class Share(BaseModel):
    """Where the caller shares content that exists."""

    model_config = ConfigDict(extra="forbid")

    platform: Platform


class AcceptedContent(Accepted):
    """The command is in the log. `content_id` is the content that it makes, unless it is rejected."""

    content_id: str


read_content = Reader(NewContent)
read_share = Reader(Share)
commands = APIRouter(prefix="/v1", responses=problems(400, 401, 403, 413, 415, 422, 503), route_class=CommandRoute)


def public_contents(row: dict[str, Any]) -> dict[str, Any]:
    """Return what the public sees of contents: their times are cut to the hour."""
    if "shared" not in row:
        return row
    shared = {name: {**one, "shared_at": cut_to_hour(one["shared_at"])} for name, one in row["shared"].items()}
    return {**row, "shared": shared}


@commands.post(
    "/contents",
    status_code=202,
    summary="Share content",
    response_model=AcceptedContent,
    openapi_extra=read_content.described({"a trade": {"kind": "trade", "platform": "reddit", "about": "t-1"}}),
)
async def make_content(request: Request) -> Response:
    """Make content by its first share. Rejections (limits) come on `my-social`."""
    content = await read_content(request)
    submission = await content.begin(ShareContent, "contents")
    event_id = submission.event_id()
    content_id = derived_id(timestamp_ms(event_id), event_id, "content")
    made = ShareContent(content_id=content_id, **dict(content.value))
    written = await content.api.writer.write(ShareContent, [submission.entry(made, event_id)], submission)
    return accepted(content.api, written, ShareContent, content_id=content_id)


@commands.post(
    "/contents/{content_id}/shares",
    status_code=202,
    summary="Share your content on another platform",
    response_model=AcceptedContent,
    openapi_extra=read_share.described({"elsewhere": {"platform": "discord"}}),
)
async def share_again(request: Request, content_id: Annotated[str, Path(pattern=ID_PATTERN)]) -> Response:
    """Share content of the caller's on another platform, once on each."""
    share = await read_share(request)
    submission = await share.begin(ShareContent, f"contents.{content_id}.shares")
    command = ShareContent(content_id=content_id, platform=share.value.platform)
    written = await share.api.writer.write(ShareContent, [submission.entry(command, submission.event_id())], submission)
    return accepted(share.api, written, ShareContent, content_id=content_id)


CONTENTS_ROWS: Final = PublicUserRows(
    ("contents", "contents"),
    SOCIAL_CONTENTS,
    CONTENTS,
    public_contents,
    title="Contents",
    doc="The newest contents of a user.",
)
API: Final = DomainApi(
    title="Contents",
    description="Contents that users share.",
    routers=(commands, *CONTENTS_ROWS.routers),
    feeds=(CONTENTS_ROWS.feed,),
    commands={ShareContent: AcceptedCommand(NewContent, WhenDelayed.ACCEPT)},
    bodies=(Share,),
    permissions={
        ("POST", "/v1/contents"): only(Role.USER, Scope.ACCOUNT),
        ("POST", "/v1/contents/{content_id}/shares"): only(Role.USER, Scope.ACCOUNT),
        **CONTENTS_ROWS.permissions,
    },
)
