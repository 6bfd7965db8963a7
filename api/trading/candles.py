"""Candles of a market, as a query and as a feed. Public: like the tape, they tell nothing of users."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Path, Query
from starlette.responses import Response

from api.kit.context import Api, ApiDep
from api.kit.feeds.response import FeedResponse
from api.kit.feeds.routing import LastEventId, feed_router, open_feed
from api.kit.openapi import problems
from api.kit.parameters import visible
from api.kit.problems import invalid
from api.kit.projection import Projection
from api.kit.windows.answers import windows_answer, windows_of
from api.kit.windows.feeds import WindowsView, windows_feed
from api.kit.windows.ranges import LAST_DEFAULT, AskedRange, LastWindows
from api.kit.windows.table import Series, WindowTable
from streams.events.base import MARKET_PATTERN
from streams.events.trading import Mode
from streams.times import Instant
from tables.candles import Candle, mark_key, merged
from tables.trading import TRADING_CANDLES, TRADING_WATERMARK
from tables.windows import Interval

CANDLE: Final = Projection(
    Candle,
    "Candle",
    "The executions of a market in a window of event time.",
    key={"interval": str, "begin": Instant, "market": str, "mode": str},
    omit=("first_at", "first_id", "last_at", "last_id"),
    describe={
        "open": "price of the first execution; of several at the same time, that with the lowest fill id",
        "close": "price of the last execution; of several at the same time, that with the highest fill id",
        "volume": "sum of the sizes",
        "trades": "number of executions",
    },
)
CANDLES: Final = WindowTable(TRADING_CANDLES, TRADING_WATERMARK, merged, CANDLE.show, mark_key)
CANDLES_ANSWER: Final = windows_answer(
    "CandlesAnswer", "Candles of a market, oldest first, and the position they are true for.", "candles", CANDLE.model
)
CANDLES_FEED: Final = windows_feed("candles", CANDLES)

AskedInterval = Annotated[Interval, Query(description="the length of the windows: minutes, an hour or a UTC day")]
AskedMode = Annotated[Mode, Query(description="fills of venues, or executions of practice orders")]

router = APIRouter(prefix="/v1/markets", responses=problems(410, 422, 503, 504))
feeds = feed_router()


def _series(api: Api, market: str, interval: Interval, mode: Mode) -> Series:
    """Return the candles of a market.

    Raises:
        Problem: 422 when there is no such market.
    """
    if market not in api.config.markets:
        raise invalid("market", f"there is no market {market!r}")
    return Series(interval, (market, mode))


async def series_of_path(
    api: ApiDep,
    market: Annotated[str, Path(pattern=MARKET_PATTERN, examples=["BTC"])],
    interval: AskedInterval = "1m",
    mode: AskedMode = "live",
) -> Series:
    """Return the candles that a query asks for."""
    return _series(api, market, interval, mode)


async def series_of_query(
    api: ApiDep,
    market: Annotated[str, Query(pattern=MARKET_PATTERN, examples=["BTC"])],
    interval: AskedInterval = "1m",
    mode: AskedMode = "live",
) -> Series:
    """Return the candles that a feed follows."""
    return _series(api, market, interval, mode)


@router.get(
    "/{market}/candles", summary="Candles", dependencies=[visible(TRADING_CANDLES)], response_model=CANDLES_ANSWER
)
async def get_candles(api: ApiDep, series: Annotated[Series, Depends(series_of_path)], asked: AskedRange) -> Response:
    """Return open, high, low, close, volume and number of executions. A window without executions is left out."""
    return await windows_of(api, CANDLES, series, asked, "candles")


@feeds.get("/candles", summary="Candles")
async def follow_candles(
    api: ApiDep,
    series: Annotated[Series, Depends(series_of_query)],
    last: LastWindows = LAST_DEFAULT,
    last_event_id: LastEventId = None,
) -> FeedResponse:
    """Follow the candles of a market. The snapshot has those of the last windows; each delta has whole candles."""
    view = WindowsView(api.hub.shared_by(CANDLES_FEED), [series], last)
    return await open_feed(api, CANDLES_FEED, view, last_event_id)
