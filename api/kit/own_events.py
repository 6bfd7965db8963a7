"""Serve a domain's events about a user to that user: a feed of the events whose key is the caller."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from fastapi import APIRouter

from api.kit.callers import Permitted
from api.kit.context import ApiDep
from api.kit.feeds.feed import Feed
from api.kit.feeds.reading import events
from api.kit.feeds.response import FeedResponse
from api.kit.feeds.routing import LAST_DEFAULT, Last, LastEventId, feed_router, open_feed
from api.kit.feeds.views import TailView
from api.kit.openapi import problems
from api.permissions import OWN, Permission, Route
from streams.events.base import EventData


class OwnEvents:
    """The route of such a feed: `/v1/feed/<name>`.

    Attributes:
        router: The router of the feed.
        feed: The declaration of the feed.
        permissions: Who may call the route: the caller alone, about the own events.
    """

    def __init__(self, name: str, models: Sequence[type[EventData]], *, title: str, doc: str) -> None:
        """Declare the feed.

        Args:
            name: The last part of the path.
            models: The classes of the events, all of one topic, whose key is the user.
            title: The title of the feed.
            doc: What the caller follows, as a sentence.
        """
        [topic] = {model.topic for model in models}
        self.feed: Final[Feed[Any]] = Feed(
            name=name, follows=topic, read=events(models, lambda event: str(event["partitionkey"]))
        )
        self.router: Final[APIRouter] = feed_router()
        self.permissions: Final[dict[Route, Permission]] = {("GET", f"/v1/feed/{name}"): OWN}

        @self.router.get(
            f"/{name}",
            summary=title,
            description=doc,
            responses=problems(401),
            operation_id=f"follow_{name.replace('-', '_')}",
        )
        async def follow(
            api: ApiDep, permit: Permitted, last: Last = LAST_DEFAULT, last_event_id: LastEventId = None
        ) -> FeedResponse:
            view = TailView(frozenset({permit.caller.subject}), last)
            return await open_feed(api, self.feed, view, last_event_id, permit)
