"""What users earn, as a feed: XP, levels, achievements."""

from __future__ import annotations

from typing import Any, Final

from api.kit.context import ApiDep
from api.kit.feeds.feed import Feed
from api.kit.feeds.reading import events
from api.kit.feeds.response import FeedResponse
from api.kit.feeds.routing import LAST_DEFAULT, Last, LastEventId, Users, feed_router, open_feed
from api.kit.feeds.views import TailView
from streams.events.gamification import AchievementUnlocked, LevelUp, XPGained

XP_FEED: Final[Feed[Any]] = Feed(
    name="xp",
    follows=XPGained.topic,
    read=events([XPGained, LevelUp, AchievementUnlocked], lambda event: event["partitionkey"]),
)

router = feed_router()


@router.get("/xp", summary="XP, levels, achievements")
async def xp(
    api: ApiDep,
    users: Users = [],  # noqa: B006 - FastAPI copies it
    last: Last = LAST_DEFAULT,
    last_event_id: LastEventId = None,
) -> FeedResponse:
    """Follow XP, levels and achievements, each event once. The snapshot has the newest ones."""
    return await open_feed(api, XP_FEED, TailView(frozenset(users) or None, last), last_event_id)
