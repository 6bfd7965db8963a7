"""The tape of fills, as a public feed: what was traded, and nothing of who traded it."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import Query
from pydantic import JsonValue

from api.kit.context import ApiDep
from api.kit.feeds.feed import Feed
from api.kit.feeds.reading import events
from api.kit.feeds.response import FeedResponse
from api.kit.feeds.routing import LAST_DEFAULT, Last, LastEventId, feed_router, open_feed
from api.kit.feeds.views import TailView
from api.kit.sealing import Sealer
from streams.events.trading import TradeExecuted

SHOWN: Final = ("market", "side", "price", "size")


def tape_row(event: dict[str, Any], sealer: Sealer) -> JsonValue:
    """Return what the public sees of a fill. The `id` derives from the event's id under the API's secret.

    The event's own id would link the fill to its user: other events name it as their cause.
    """
    data = event["data"]
    return {
        "id": sealer.alias("tape", event["id"]),
        "time": event["time"],
        **{name: data[name] for name in SHOWN},
    }


TRADES_FEED: Final[Feed[Any]] = Feed(
    name="trades",
    follows=TradeExecuted.topic,
    read=events([TradeExecuted], lambda event: event["data"]["market"], tape_row),
)

router = feed_router()


@router.get("/trades", summary="Tape of fills")
async def trades(
    api: ApiDep,
    market: Annotated[str | None, Query(description="one market; all markets by default")] = None,
    last: Last = LAST_DEFAULT,
    last_event_id: LastEventId = None,
) -> FeedResponse:
    """Follow all executions, each once: market, side, price, size and time. The snapshot has the newest ones."""
    channels = None if market is None else frozenset({market})
    return await open_feed(api, TRADES_FEED, TailView(channels, last), last_event_id)
