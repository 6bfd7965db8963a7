"""What users earn, as a feed: XP, levels, achievements."""

from __future__ import annotations

from typing import Any, Final

from pydantic import JsonValue

from api.kit.callers import AudienceDep
from api.kit.context import ApiDep
from api.kit.feeds.feed import Feed
from api.kit.feeds.public_form import PublicForm, PublicRows
from api.kit.feeds.reading import events
from api.kit.feeds.response import FeedResponse
from api.kit.feeds.routing import LAST_DEFAULT, Last, LastEventId, Users, feed_router, open_feed
from api.kit.feeds.views import TailView
from api.kit.public import cut_to_hour
from api.kit.sealing import Sealer
from streams.events.gamification import AchievementUnlocked, LevelUp, XPGained

LINKS: Final = frozenset({"source_event_id"})
"""Data that would link an event to a fill on the tape."""


def earned_row(event: dict[str, Any], sealer: Sealer) -> JsonValue:
    """Return what the public sees of an event: its `time` is cut to the hour, and no id links it to a fill."""
    return {
        "id": sealer.alias("xp", event["id"]),
        "type": event["type"].split(".")[2],
        "time": cut_to_hour(event["time"]),
        "user_id": event["partitionkey"],
        **{name: value for name, value in event["data"].items() if name not in LINKS},
    }


def anonymous_earned(row: dict[str, Any]) -> dict[str, Any]:
    """Return the public form of a private user's event: without the user, and without totals that identify the user."""
    return {**row, "user_id": None} | ({"total_xp": None} if "total_xp" in row else {})


PUBLIC_FORM: Final = PublicForm(anonymous=anonymous_earned)
XP_FEED: Final[Feed[Any]] = Feed(
    name="xp",
    follows=XPGained.topic,
    read=events([XPGained, LevelUp, AchievementUnlocked], lambda event: event["partitionkey"], earned_row),
)

router = feed_router()


@router.get("/xp", summary="XP, levels, achievements")
async def xp(
    api: ApiDep,
    audience: AudienceDep,
    users: Users = [],  # noqa: B006 - FastAPI copies it
    last: Last = LAST_DEFAULT,
    last_event_id: LastEventId = None,
) -> FeedResponse:
    """Follow XP, levels and achievements, each event once. Times are cut to the hour; private users have no name.

    The snapshot has the newest ones.
    """
    rows = PublicRows(PUBLIC_FORM, audience, named=bool(users))
    view = TailView(frozenset(users) or None, last, rows)
    return await open_feed(api, XP_FEED, view, last_event_id, audience)
