"""Active users, executions, volume and XP by hour, as a query and as a feed. Public."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter
from pydantic import JsonValue
from starlette.responses import Response

from api.kit.context import ApiDep
from api.kit.feeds.response import FeedResponse
from api.kit.feeds.routing import LastEventId, feed_router, open_feed
from api.kit.openapi import problems
from api.kit.parameters import visible
from api.kit.projection import Projection
from api.kit.windows.answers import windows_answer, windows_of
from api.kit.windows.feeds import WindowsView, windows_feed
from api.kit.windows.ranges import LAST_DEFAULT, AskedRange, LastWindows
from api.kit.windows.table import Series, WindowTable
from streams.times import Instant
from tables.gamification import GAMIFICATION_HOURS, GAMIFICATION_WATERMARK
from tables.hours import Hour, HourlyTrading, merged
from tables.keys import SEPARATOR

HOURLY: Final = Series("1h")


def begin_of_key(key: str) -> list[JsonValue]:
    """Return when the window of a key begins."""
    return [key.split(SEPARATOR)[1]]


HOURLY_TRADING: Final = Projection(
    HourlyTrading, "HourlyTrading", "The executions of an hour in one mode, counted and summed."
)
HOUR: Final = Projection(
    Hour,
    "Hour",
    "What all users did and earned in an hour of event time.",
    key={"begin": Instant},
    split=begin_of_key,
    describe={"users": "users who traded, signed in or interacted", "xp": "XP by source"},
    nested=(HOURLY_TRADING,),
)
HOURS: Final = WindowTable(GAMIFICATION_HOURS, GAMIFICATION_WATERMARK, merged, HOUR.show)
HOURS_ANSWER: Final = windows_answer(
    "HoursAnswer", "Hours, oldest first, and the position they are true for.", "hours", HOUR.model
)
HOURS_FEED: Final = windows_feed("hours", HOURS)

router = APIRouter(prefix="/v1/stats", responses=problems(410, 422, 503, 504))
feeds = feed_router()


@router.get(
    "/hours", summary="Activity by hour", dependencies=[visible(GAMIFICATION_HOURS)], response_model=HOURS_ANSWER
)
async def get_hours(api: ApiDep, asked: AskedRange) -> Response:
    """Return active users, executions, volume and XP by hour. An hour in which nothing happened is left out."""
    return await windows_of(api, HOURS, HOURLY, asked, "hours")


@feeds.get("/hours", summary="Activity by hour")
async def follow_hours(
    api: ApiDep, last: LastWindows = LAST_DEFAULT, last_event_id: LastEventId = None
) -> FeedResponse:
    """Follow active users, executions, volume and XP by hour. Each delta has whole hours."""
    return await open_feed(api, HOURS_FEED, WindowsView(api.hub.shared_by(HOURS_FEED), [HOURLY], last), last_event_id)
