"""The caller's notifications: newest first by query, as a feed, and marking them as read."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from api.kit.answers import json_answer
from api.kit.callers import Caller, Permitted
from api.kit.commands.answers import Accepted, accepted
from api.kit.commands.reading import CommandRoute, Reader
from api.kit.context import ApiDep
from api.kit.cursor import CURSOR_CHARS_MAX
from api.kit.feeds.feed import Feed
from api.kit.feeds.reading import user_rows
from api.kit.feeds.response import FeedResponse
from api.kit.feeds.routing import LastEventId, feed_router, open_feed
from api.kit.feeds.views import RowsView
from api.kit.openapi import problems
from api.kit.parameters import visible
from api.kit.past import At, rows
from api.kit.problems import UNKNOWN_CURSOR, Problem
from api.kit.projection import Projection
from api.kit.sealing import Sealer, SealError
from streams.events.base import Name
from streams.events.user import ReadNotifications
from tables.keys import SEPARATOR
from tables.user import INBOX_NOTIFICATIONS_MAX, USER_NOTIFICATIONS, Notification, notification_keys

LIMIT_DEFAULT = 50

NOTIFICATION: Final = Projection(
    Notification,
    "Notification",
    "Something that a user should see.",
    key={"user_id": str},
    split=lambda key: [key.partition(SEPARATOR)[0]],
    describe={
        "number": "counts the user's notifications from 1",
        "text": "the key of a text, whose gaps `arguments` fill",
        "cause_id": "the id of the event that it is about",
    },
)
NOTIFICATIONS_ANSWER: Final = NOTIFICATION.list_answer(
    "NotificationsAnswer",
    "Notifications, newest first, and the position that they are true for.",
    "notifications",
    unread=int,
    next_cursor=str | None,
)
NOTIFICATIONS_FEED: Final[Feed[Any]] = Feed(
    name="notifications", follows=USER_NOTIFICATIONS, read=user_rows(NOTIFICATION)
)


class ReadBody(BaseModel):
    """The notifications that were read."""

    model_config = ConfigDict(extra="forbid")

    notification_ids: Annotated[
        list[Name], Field(max_length=INBOX_NOTIFICATIONS_MAX, description="without any: all up to now")
    ] = []


read_notifications = Reader(ReadBody)
commands = APIRouter(prefix="/v1", responses=problems(400, 401, 403, 413, 415, 422, 503), route_class=CommandRoute)
queries = APIRouter(prefix="/v1", responses=problems(400, 401, 403, 410, 422, 503, 504))
feeds = feed_router()


@commands.post(
    "/notifications/read",
    status_code=202,
    summary="Mark notifications as read",
    response_model=Accepted,
    openapi_extra=read_notifications.described(
        {"one": {"notification_ids": ["0192f7c4-5d6e-7a10-8f00-1b2c3d4e5f60"]}, "all": {}}
    ),
)
async def read(request: Request) -> Response:
    """Mark some of the caller's notifications as read, or all."""
    reading = await read_notifications(request)
    submission = await reading.begin(ReadNotifications, "notifications.read")
    data = ReadNotifications(notification_ids=tuple(reading.value.notification_ids))
    command = submission.entry(data, submission.event_id())
    written = await reading.api.writer.write(ReadNotifications, [command], submission)
    return accepted(reading.api, written, ReadNotifications)


@queries.get(
    "/notifications",
    summary="Your notifications",
    dependencies=[visible(USER_NOTIFICATIONS)],
    response_model=NOTIFICATIONS_ANSWER,
)
async def get_notifications(
    *,
    api: ApiDep,
    caller: Caller,
    limit: Annotated[int, Query(ge=1, le=INBOX_NOTIFICATIONS_MAX)] = LIMIT_DEFAULT,
    unread: Annotated[bool, Query(description="only those that are unread")] = False,
    cursor: Annotated[str | None, Query(max_length=CURSOR_CHARS_MAX)] = None,
    at: At = None,
) -> Response:
    """Return the caller's notifications, newest first. The latest 200 are kept."""
    purpose = f"{USER_NOTIFICATIONS.name}{SEPARATOR}{caller.subject}"
    below = None if cursor is None else _opened(api.sealer, purpose, cursor)
    keys = notification_keys(caller.subject)
    position, found = await rows(api, USER_NOTIFICATIONS, keys, caller.subject, at)
    kept = sorted((Notification.load(raw) for raw in found if raw is not None), key=lambda row: -row.number)
    wanted = [row for row in kept if (below is None or row.number < below) and not (unread and row.read)]
    page = wanted[:limit]
    more = api.sealer.seal(purpose, str(page[-1].number)) if len(wanted) > limit else None
    return json_answer(
        {
            "position": str(position),
            "unread": sum(not row.read for row in kept),
            "next_cursor": more,
            "notifications": [NOTIFICATION.show(row, caller.subject) for row in page],
        }
    )


def _opened(sealer: Sealer, purpose: str, cursor: str) -> int:
    try:
        return int(sealer.open(purpose, cursor))
    except SealError:
        raise Problem(UNKNOWN_CURSOR, "this cursor was not given for your notifications") from None


@feeds.get("/notifications", summary="Your notifications", responses=problems(401))
async def follow_notifications(api: ApiDep, permit: Permitted, last_event_id: LastEventId = None) -> FeedResponse:
    """Follow the caller's notifications. The snapshot has the latest 200; a row comes again once it is read."""
    keys = [(key, permit.caller.subject) for key in notification_keys(permit.caller.subject)]
    view = RowsView(api.hub.tables, USER_NOTIFICATIONS.name, NOTIFICATION.load, keys=keys)
    return await open_feed(api, NOTIFICATIONS_FEED, view, last_event_id, permit)
