"""The parts that routes of feeds share: the router, parameters, and a function that opens a feed."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, Query

from api.kit.context import Api
from api.kit.feeds.feed import Feed
from api.kit.feeds.permit import Right
from api.kit.feeds.response import FeedResponse
from api.kit.feeds.resume_ids import ID_CHARS_MAX
from api.kit.feeds.views import View
from api.kit.openapi import problems
from streams.events.base import ID_PATTERN

LAST_DEFAULT = 50
LAST_MAX = 500
USERS_MAX = 100

EXAMPLE: Final = (
    'event: snapshot\ndata: {"last":false,"rows":[{"user_id":"trader-2","xp":15}]}\n\n'
    'event: snapshot\ndata: {"last":true,"rows":[]}\nid: UoZYzZ7AxdJ7TJs82mMstoM39zrJPF4\n\n'
    'event: delta\ndata: {"rows":[{"user_id":"trader-2","xp":40}]}\nid: kM3mGvFQ0wZl2b9XrT1uYc5nE7sHdA8\n\n'
    'event: progress\ndata: {"stalled":false}\nid: pQ8tW2xLs6yJb4RzV0aKf3hG9mDcN1u\n\n'
    'event: resync\ndata: {"why":"trimmed"}\nid: \n\n'
)
EVENT: Final = {
    "title": "FeedEvent",
    "type": "object",
    "properties": {
        "event": {"enum": ["snapshot", "delta", "progress", "resync", "end"]},
        "data": {"type": "string", "contentMediaType": "application/json"},
        "id": {"type": "string", "description": "send it back as `Last-Event-ID` to continue here"},
    },
    "required": ["event", "data"],
}
"""The schema of one event. OpenAPI 3.1 has no keyword for the events of a stream."""

CONTENT: Final = {FeedResponse.media_type: {"schema": EVENT, "example": EXAMPLE}}
EVENTS: Final[dict[int | str, dict[str, Any]]] = {
    200: {"description": "Events until either side ends it", "content": CONTENT}
}

LastEventId = Annotated[
    str | None,
    Header(
        alias="Last-Event-ID",
        max_length=ID_CHARS_MAX,
        description="the last `id` received: continues there, without gap or duplicate",
    ),
]
UserId = Annotated[str, Query(pattern=ID_PATTERN)]
Users = Annotated[list[UserId], Query(alias="user", max_length=USERS_MAX, description="only these users")]
Last = Annotated[int, Query(ge=1, le=LAST_MAX, description="how many of the newest events the snapshot has")]


def feed_router(*tags: str) -> APIRouter:
    """Return a router for feeds: `/v1/feed/<name>`. A domain's tag is added where its routers are included."""
    return APIRouter(
        prefix="/v1/feed",
        tags=[*tags],
        responses={**EVENTS, **problems(422, 431, 503)},
        default_response_class=FeedResponse,
    )


async def open_feed(
    api: Api, feed: Feed[Any], view: View, last_event_id: str | None, right: Right | None = None
) -> FeedResponse:
    """Open a feed for one client. The feed ends when `right` lapses; `right` is None where all clients see the same.

    Raises:
        LogUnavailableError: when it cannot be read just now.
    """
    return FeedResponse(api.hub, await api.hub.open(feed.name, view, last_event_id or None, right))
