"""What users earn, as a feed: XP, levels, achievements."""

from __future__ import annotations

from typing import Any, Final

from pydantic import JsonValue

from api.kit.context import ApiDep
from api.kit.feeds.feed import Feed
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


XP_FEED: Final[Feed[Any]] = Feed(
    name="xp",
    follows=XPGained.topic,
    read=events([XPGained, LevelUp, AchievementUnlocked], lambda event: event["partitionkey"], earned_row),
)

router = feed_router()


@router.get("/xp", summary="XP, levels, achievements")
async def xp(
    api: ApiDep,
    users: Users = [],  # noqa: B006 - FastAPI copies it
    last: Last = LAST_DEFAULT,
    last_event_id: LastEventId = None,
) -> FeedResponse:
    """Follow XP, levels and achievements, each event once. Times are cut to the hour.

    The snapshot has the newest ones.
    """
    return await open_feed(api, XP_FEED, TailView(frozenset(users) or None, last), last_event_id)
