"""Positions and portfolio of a user, as queries and as feeds. They belong to the user: others need a staff role."""

from __future__ import annotations

from typing import Any, Final

from starlette.responses import Response

from api.kit.answers import json_answer
from api.kit.callers import Permitted
from api.kit.context import ApiDep
from api.kit.feeds.feed import Feed
from api.kit.feeds.reading import user_rows
from api.kit.feeds.response import FeedResponse
from api.kit.feeds.routing import LastEventId, feed_router, open_feed
from api.kit.feeds.views import RowsView
from api.kit.openapi import problems
from api.kit.parameters import OwnUser, visible
from api.kit.past import At, rows
from api.kit.projection import Projection
from api.kit.users import user_router, user_row
from tables.trading import TRADING_PORTFOLIO, TRADING_POSITIONS, Portfolio, Position, Totals, position_keys, position_of

POSITION: Final = Projection(
    Position,
    "Position",
    "A net position in one market.",
    key={"market": str, "mode": str},
    split=position_of,
    omit=("cost",),
    describe={"quantity": "below 0 is short", "unrealised_pnl_usd": "as of `last_price`"},
)
POSITIONS_ANSWER: Final = POSITION.list_answer(
    "PositionsAnswer",
    "A user's positions, flat ones included, and the position of the table they are true for.",
    "positions",
    user_id=str,
)
TOTALS: Final = Projection(Totals, "Totals", "Sums over the executions of one mode.")
PORTFOLIO: Final = Projection(
    Portfolio, "Portfolio", "A user's trading summed up; practice money apart.", nested=(TOTALS,)
)
PORTFOLIO_ANSWER: Final = PORTFOLIO.answer("PortfolioAnswer", "A user's portfolio and the position it is true for.")

POSITIONS_FEED: Final[Feed[Any]] = Feed(name="positions", follows=TRADING_POSITIONS, read=user_rows(POSITION))
PORTFOLIO_FEED: Final[Feed[Any]] = Feed(name="portfolio", follows=TRADING_PORTFOLIO, read=user_rows(PORTFOLIO))

router = user_router()
feeds = feed_router()


@router.get(
    "/{user_id}/positions",
    summary="Net positions",
    dependencies=[visible(TRADING_POSITIONS, private=True)],
    response_model=POSITIONS_ANSWER,
    responses=problems(401, 403),
)
async def get_positions(api: ApiDep, user_id: OwnUser, at: At = None) -> Response:
    """Net position in each market, live and practice apart. For the user, and for staff."""
    keys = position_keys(user_id, api.config.markets)
    position, found = await rows(api, TRADING_POSITIONS, keys, user_id, at)
    shown = [POSITION.load(key, raw) for key, raw in zip(keys, found, strict=True) if raw is not None]
    return json_answer({"position": str(position), "user_id": user_id, "positions": [*shown]})


@router.get(
    "/{user_id}/portfolio",
    summary="Portfolio",
    dependencies=[visible(TRADING_PORTFOLIO, private=True)],
    response_model=PORTFOLIO_ANSWER,
    responses=problems(401, 403),
)
async def get_portfolio(api: ApiDep, user_id: OwnUser, at: At = None) -> Response:
    """Return sums over a user's trading, separate for live and practice. For the user, and for staff."""
    return await user_row(api, TRADING_PORTFOLIO, PORTFOLIO, user_id, at=at)


@feeds.get("/positions", summary="Your positions", responses=problems(401))
async def positions(api: ApiDep, permit: Permitted, last_event_id: LastEventId = None) -> FeedResponse:
    """Follow the caller's net positions."""
    keys = [(key, permit.caller.subject) for key in position_keys(permit.caller.subject, api.config.markets)]
    view = RowsView(api.hub.tables, TRADING_POSITIONS.name, POSITION.load, keys=keys)
    return await open_feed(api, POSITIONS_FEED, view, last_event_id, permit)


@feeds.get("/portfolio", summary="Your portfolio", responses=problems(401))
async def portfolio(api: ApiDep, permit: Permitted, last_event_id: LastEventId = None) -> FeedResponse:
    """Follow the caller's portfolio."""
    keys = [(permit.caller.subject, permit.caller.subject)]
    view = RowsView(api.hub.tables, TRADING_PORTFOLIO.name, PORTFOLIO.load, keys=keys)
    return await open_feed(api, PORTFOLIO_FEED, view, last_event_id, permit)
