"""The tape of fills, as a feed."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import Query

from api.kit.context import ApiDep
from api.kit.feeds.feed import Feed
from api.kit.feeds.reading import events
from api.kit.feeds.response import FeedResponse
from api.kit.feeds.routing import LAST_DEFAULT, Last, LastEventId, feed_router, open_feed
from api.kit.feeds.views import TailView
from streams.events.trading import TradeExecuted

TRADES_FEED: Final[Feed[Any]] = Feed(
    name="trades",
    follows=TradeExecuted.topic,
    read=events([TradeExecuted], lambda event: event["data"]["market"]),
)

router = feed_router()


@router.get("/trades", summary="Tape of fills")
async def trades(
    api: ApiDep,
    market: Annotated[str | None, Query(description="one market; all markets by default")] = None,
    last: Last = LAST_DEFAULT,
    last_event_id: LastEventId = None,
) -> FeedResponse:
    """Follow all executions, each once. The snapshot has the newest ones."""
    channels = None if market is None else frozenset({market})
    return await open_feed(api, TRADES_FEED, TailView(channels, last), last_event_id)
