"""What all markets traded on the present day, as a query and as a feed: their candles of the newest day. Public."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter
from starlette.responses import Response

from api.kit.answers import json_answer
from api.kit.context import Api, ApiDep
from api.kit.feeds.response import FeedResponse
from api.kit.feeds.routing import LastEventId, feed_router, open_feed
from api.kit.openapi import problems
from api.kit.parameters import visible
from api.kit.windows.answers import range_of, windows_answer
from api.kit.windows.feeds import WindowsView, windows_feed
from api.kit.windows.ranges import Asked
from api.kit.windows.table import Series
from api.trading.candles import CANDLE, CANDLES, AskedMode
from streams.events.trading import Mode
from tables.trading import TRADING_CANDLES

MARKETS_ANSWER: Final = windows_answer(
    "MarketsAnswer",
    "The candles of all markets on one day, and the position they are true for.",
    "markets",
    CANDLE.model,
)
MARKETS_FEED: Final = windows_feed("markets", CANDLES)
DAY: Final = Asked(None, None, 1)

router = APIRouter(prefix="/v1/markets", responses=problems(410, 422, 503, 504))
feeds = feed_router()


def _series(api: Api, mode: Mode) -> list[Series]:
    return [Series("1d", (market, mode)) for market in sorted(api.config.markets)]


@router.get("", summary="Markets of the day", dependencies=[visible(TRADING_CANDLES)], response_model=MARKETS_ANSWER)
async def get_markets(api: ApiDep, mode: AskedMode = "live") -> Response:
    """Return the candle of each market on the UTC day of the newest execution of the mode.

    A market without executions on that day is left out.
    """
    series = _series(api, mode)
    begins = DAY.begins("1d", await CANDLES.newest(api.tables, series[0]))
    found = await CANDLES.read(api.tables, [one.key(begin) for one in series for begin in begins])
    return json_answer({**range_of(begins), "position": str(found.position), "markets": [*found.rows.values()]})


@feeds.get("/markets", summary="Markets of the day")
async def follow_markets(api: ApiDep, mode: AskedMode = "live", last_event_id: LastEventId = None) -> FeedResponse:
    """Follow the candles of days of all markets. The snapshot has the newest day; late executions change older ones."""
    view = WindowsView(api.hub.shared_by(MARKETS_FEED), _series(api, mode), DAY.limit)
    return await open_feed(api, MARKETS_FEED, view, last_event_id)
