"""A user's trades: the open practice trades as a query and as a feed, and any trade by its id."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Annotated, Any, Final

from fastapi import Path, Query
from faust_redis.log import Position, StoredRecord
from starlette.responses import Response

from api.kit import cursor as cursors
from api.kit.answers import json_answer
from api.kit.callers import Permitted
from api.kit.context import ApiDep
from api.kit.feeds.change import Reading
from api.kit.feeds.feed import Feed
from api.kit.feeds.response import FeedResponse
from api.kit.feeds.routing import LastEventId, feed_router, open_feed
from api.kit.feeds.views import ReadView
from api.kit.openapi import problems
from api.kit.parameters import OwnUser, visible
from api.kit.past import At, rows
from api.kit.problems import NOT_FOUND, Problem
from api.kit.projection import Projection
from api.kit.ranking_pages import ranking_page
from api.kit.users import user_router
from streams.events.base import ID_PATTERN
from tables.keys import SEPARATOR, trade_key
from tables.rankings import Ranked
from tables.reader import Row, Rows, TableReader
from tables.trading import TRADING_OWNED, TRADING_TRADES, Trade, owned_group

LIMIT_DEFAULT: Final = 100
LIMIT_MAX: Final = 1_000

TRADE: Final = Projection(
    Trade,
    "Trade",
    "A practice trade, or all fills of one trade id of a venue.",
    key={"trade_id": str},
    split=lambda key: [key.partition(SEPARATOR)[2]],
    omit=("changed_on",),
    describe={
        "side": "of the first fill",
        "status": "`open`, `closed` or `liquidated`; a venue's trade is closed once it had a closing fill",
        "margin_usd": "of a practice trade",
        "liquidation_price": "a mark price beyond it liquidates the practice trade",
    },
)
TRADE_ANSWER: Final = TRADE.answer("TradeAnswer", "A trade, and the position it is true for.")
OPEN_TRADES_ANSWER: Final = TRADE.list_answer(
    "OpenTradesAnswer",
    "A user's open practice trades, and the position they are true for.",
    "trades",
    user_id=str,
    total=int,
    next_cursor=str | None,
)


def _read(_: int, record: StoredRecord) -> Reading | None:
    """Read a change of a practice trade. The channel is its user. A trade that leaves is none: it ended long ago."""
    if record.key is None or record.value is None:
        return None
    key, trade = record.key.decode(), Trade.load(record.value)
    if trade.mode != "practice":
        return None
    return Reading(key, (key.partition(SEPARATOR)[0],), lambda: TRADE.show(trade, key))


OPEN_TRADES_FEED: Final[Feed[Any]] = Feed(name="open-trades", follows=TRADING_TRADES, read=lambda _sealer: _read)

router = user_router()
feeds = feed_router()


@router.get(
    "/{user_id}/open-trades",
    summary="Open practice trades",
    dependencies=[visible(TRADING_OWNED, private=True)],
    response_model=OPEN_TRADES_ANSWER,
    responses=problems(400, 401, 403),
)
async def get_open_trades(
    api: ApiDep,
    user_id: OwnUser,
    limit: Annotated[int, Query(ge=1, le=LIMIT_MAX)] = LIMIT_DEFAULT,
    cursor: Annotated[str | None, Query(max_length=cursors.CURSOR_CHARS_MAX)] = None,
) -> Response:
    """Return a user's open practice trades, the latest first. For the user, and for staff.

    The trades are read after their list. So one that was closed in between is left out.
    """
    page, next_cursor = await ranking_page(api, TRADING_OWNED, owned_group(user_id), limit=limit, cursor=cursor)
    trades = [TRADE.load(row.key, row.value) for row in await _open(api.tables, user_id, page.members)]
    return json_answer(
        {
            "position": str(page.position),
            "user_id": user_id,
            "total": page.total,
            "next_cursor": next_cursor,
            "trades": [*trades],
        }
    )


@router.get(
    "/{user_id}/trades/{trade_id}",
    summary="A trade",
    dependencies=[visible(TRADING_TRADES, private=True)],
    response_model=TRADE_ANSWER,
    responses=problems(401, 403),
)
async def get_trade(
    api: ApiDep, user_id: OwnUser, trade_id: Annotated[str, Path(pattern=ID_PATTERN)], at: At = None
) -> Response:
    """Return a trade of a user, open or not, of practice money or of a venue. For the user, and for staff."""
    key = trade_key(user_id, trade_id)
    position, [raw] = await rows(api, TRADING_TRADES, [key], user_id, at)
    if raw is None:
        days = api.config.rules.kept_days
        left = f", or it has left {days} days or more after its last change, and the archive has it" if days else ""
        detail = f"there is no trade {trade_id!r}: its order was rejected, or is still to come{left}"
        raise Problem(NOT_FOUND, f"{detail}; see GET /v1/users/{user_id}/trades", position=str(position))
    return json_answer({**TRADE.load(key, raw), "position": str(position)})


@feeds.get("/open-trades", summary="Your open practice trades", responses=problems(401))
async def follow_open_trades(api: ApiDep, permit: Permitted, last_event_id: LastEventId = None) -> FeedResponse:
    """Follow the caller's practice trades. The snapshot has the open ones; one that ends comes with its last status."""
    user_id = permit.caller.subject
    view = ReadView(frozenset({user_id}), partial(_all_open, api.hub.tables, user_id), TRADE.load)
    return await open_feed(api, OPEN_TRADES_FEED, view, last_event_id, permit)


async def _all_open(tables: TableReader, user_id: str) -> Rows:
    """Return all open practice trades of a user. What changes after the position is read comes as a change, too."""
    position: Position = await tables.position(TRADING_TRADES.name)
    found: list[Row] = []
    after: str | None = None
    while True:
        page = await tables.page(TRADING_OWNED.name, owned_group(user_id), after=after, limit=LIMIT_MAX)
        found += await _open(tables, user_id, page.members)
        if len(page.members) < LIMIT_MAX:
            return Rows(position, found)
        after = page.members[-1].entry


async def _open(tables: TableReader, user_id: str, members: Sequence[Ranked]) -> list[Row]:
    """Return the trades of a list that are still open."""
    keys = [(trade_key(user_id, one.member), user_id) for one in members]
    if not keys:
        return []
    _, found = await tables.get_many(TRADING_TRADES.name, keys)
    stored = [Row(0, key, raw) for (key, _), raw in zip(keys, found, strict=True) if raw is not None]
    return [row for row in stored if Trade.load(row.value).status == "open"]
