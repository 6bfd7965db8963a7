"""What became of a user's commands to the user domain: a feed of the caller's events."""

from __future__ import annotations

from typing import Any, Final

from api.kit.callers import Permitted
from api.kit.context import ApiDep
from api.kit.feeds.feed import Feed
from api.kit.feeds.reading import events
from api.kit.feeds.response import FeedResponse
from api.kit.feeds.routing import LAST_DEFAULT, Last, LastEventId, feed_router, open_feed
from api.kit.feeds.views import TailView
from api.kit.openapi import problems
from streams.events.user import PreferencesChanged, UserCommandRejected

MY_ACCOUNT_FEED: Final[Feed[Any]] = Feed(
    name="my-account",
    follows=UserCommandRejected.topic,
    read=events((PreferencesChanged, UserCommandRejected), lambda event: event["partitionkey"]),
)

feeds = feed_router()


@feeds.get("/my-account", summary="Your preferences and rejections", responses=problems(401))
async def my_account(
    api: ApiDep, permit: Permitted, last: Last = LAST_DEFAULT, last_event_id: LastEventId = None
) -> FeedResponse:
    """Follow the caller's changes of preferences, and the rejections of these and of notifications, each once."""
    view = TailView(frozenset({permit.caller.subject}), last)
    return await open_feed(api, MY_ACCOUNT_FEED, view, last_event_id, permit)
