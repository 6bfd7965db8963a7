"""A user's executions and rejections, newest first by query, and as a feed. They belong to the user."""

from __future__ import annotations

from typing import Any, Final

from fastapi import APIRouter
from pydantic import BaseModel

from api.kit.context import ApiDep
from api.kit.openapi import problems
from api.kit.own_events import OwnEvents
from api.kit.own_history import LIMIT_DEFAULT, NextCursor, OwnEvent, PageCursor, PageLimit, history_page
from api.kit.parameters import OwnUser
from streams.events.trading import (
    FillRejected,
    RiskAlert,
    TradeClosed,
    TradeExecuted,
    TradeLiquidated,
    TradeRejected,
)

EVENTS: Final = (TradeExecuted, TradeClosed, TradeLiquidated, TradeRejected, FillRejected, RiskAlert)

MY_TRADES: Final = OwnEvents(
    "my-trades",
    EVENTS,
    title="Your executions and rejections",
    doc="Follow the caller's executions, rejections and alerts, each once, with all their data.",
)

router = APIRouter(prefix="/v1/users", responses=problems(400, 401, 403, 422, 503))


class TradeEvent(OwnEvent):
    """An execution, a rejection or an alert: an event of trading with all its data."""


class TradesAnswer(BaseModel):
    """A user's executions and rejections, newest first."""

    user_id: str
    trades: list[TradeEvent]
    next_cursor: NextCursor


@router.get("/{user_id}/trades", summary="Executions and rejections", response_model=TradesAnswer)
async def get_trades(
    api: ApiDep, user_id: OwnUser, limit: PageLimit = LIMIT_DEFAULT, cursor: PageCursor = None
) -> dict[str, Any]:
    """Return a user's executions and rejections, newest first, as far back as the log keeps them.

    One request reads at most 10,000 records of the log. A page may have fewer rows than `limit`, or none. Follow
    `next_cursor` until it is null.
    """
    trades, more = await history_page(api, EVENTS, user_id, limit=limit, cursor=cursor)
    return {"user_id": user_id, "trades": trades, "next_cursor": more}
