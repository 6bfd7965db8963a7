"""The mark prices at which orders run, as queries and as a feed. Public."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query
from faust_redis.log import StoredRecord
from starlette.responses import Response

from api.kit.answers import json_answer
from api.kit.context import ApiDep
from api.kit.feeds.change import Reading
from api.kit.feeds.feed import Feed
from api.kit.feeds.response import FeedResponse
from api.kit.feeds.routing import LastEventId, feed_router, open_feed
from api.kit.feeds.views import ReadView
from api.kit.openapi import problems
from api.kit.parameters import visible
from api.kit.problems import NOT_FOUND, Problem
from api.kit.projection import Projection
from streams.events.base import MARKET_PATTERN
from tables.reader import COPY_SHOWN, Rows, TableReader
from tables.trading import TRADING_MARKS, Mark

PRICE: Final = Projection(
    Mark,
    "Price",
    "The newest mark price of a market: orders run and positions are liquidated at it.",
    key={"market": str},
    describe={"at": "the time of the price, as it was reported"},
)
PRICES_ANSWER: Final = PRICE.list_answer(
    "PricesAnswer", "The mark prices of all markets that have one, and the position they are true for.", "prices"
)
PRICE_ANSWER: Final = PRICE.answer("PriceAnswer", "The mark price of a market, and the position it is true for.")


def _read(partition: int, record: StoredRecord) -> Reading | None:
    """Read a price. The channel is the market. Of the copies of all partitions only one is shown."""
    if partition != COPY_SHOWN or record.key is None or record.value is None:
        return None
    market, value = record.key.decode(), record.value
    return Reading(market, (market,), lambda: PRICE.load(market, value))


PRICES_FEED: Final[Feed[Any]] = Feed(name="prices", follows=TRADING_MARKS, read=lambda _sealer: _read)

router = APIRouter(prefix="/v1/prices", responses=problems(410, 422, 503, 504), dependencies=[visible(TRADING_MARKS)])
feeds = feed_router()


async def _newest(tables: TableReader, market: str | None = None) -> Rows:
    """Return the mark prices by market, or that of one market."""
    found = await tables.copy(TRADING_MARKS.name)
    return Rows(found.position, [row for row in sorted(found.rows) if market in {None, row.key}])


@router.get("", summary="Mark prices", response_model=PRICES_ANSWER)
async def get_prices(api: ApiDep) -> Response:
    """Return the mark prices at which orders run, by market."""
    found = await _newest(api.tables)
    prices = [PRICE.load(row.key, row.value) for row in found.rows]
    return json_answer({"position": str(found.position), "prices": [*prices]})


@router.get("/{market}", summary="A mark price", response_model=PRICE_ANSWER, responses=problems(404))
async def get_price(api: ApiDep, market: Annotated[str, Path(pattern=MARKET_PATTERN, examples=["BTC"])]) -> Response:
    """Return the mark price at which orders of a market run."""
    found = await _newest(api.tables, market)
    if not found.rows:
        raise Problem(NOT_FOUND, f"the market {market!r} has no mark price yet", position=str(found.position))
    [row] = found.rows
    return json_answer({**PRICE.load(row.key, row.value), "position": str(found.position)})


@feeds.get("/prices", summary="Mark prices")
async def follow_prices(
    api: ApiDep,
    market: Annotated[str | None, Query(description="one market; all markets by default")] = None,
    last_event_id: LastEventId = None,
) -> FeedResponse:
    """Follow the mark prices at which orders run: of one market, or of all."""
    channels = None if market is None else frozenset({market})
    view = ReadView(channels, partial(_newest, api.hub.tables, market), PRICE.load)
    return await open_feed(api, PRICES_FEED, view, last_event_id)
