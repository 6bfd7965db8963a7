"""Revenue by stream and period, summed over the partitions, as a query and as a feed. Public."""

from __future__ import annotations

import re
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from api.financial.sums import SumsView, answered, totals_feed
from api.financial.totals import REVENUE, REVENUES, RevenueFilter
from api.kit.context import ApiDep
from api.kit.feeds.response import FeedResponse
from api.kit.feeds.routing import LastEventId, feed_router, open_feed
from api.kit.openapi import problems
from api.kit.parameters import visible
from api.kit.problems import invalid
from tables.financial import FINANCIAL_REVENUE

CHARS: Final = {"day": len("2024-09-20"), "month": len("2024-09")}
PERIOD: Final = re.compile(r"\d{4}-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?", re.ASCII)
REVENUE_ANSWER: Final = REVENUE.list_answer("RevenueAnswer", "Revenue and the position it is true for.", "revenue")
REVENUE_FEED: Final = totals_feed("revenue", REVENUES)

router = APIRouter(prefix="/v1", responses=problems(410, 422, 503, 504))
feeds = feed_router()


async def revenue_filter(
    by: Annotated[Literal["day", "month"], Query(description="the length of the periods")] = "month",
    period: Annotated[str | None, Query(description="one period, such as `2024-09`", max_length=10)] = None,
    stream: Annotated[Literal["trading_fees", "subscriptions", "nft_marketplace"] | None, Query()] = None,
    asset: Annotated[Literal["USD", "STRK", "SS", "LM"] | None, Query()] = None,
) -> RevenueFilter:
    """Return the filters of a request.

    Raises:
        Problem: 422 when the period is none, or is not of the length that `by` says.
    """
    if period is not None and (PERIOD.fullmatch(period) is None or len(period) != CHARS[by]):
        raise invalid("period", f"expected a {by} like {'2024-09-20'[: CHARS[by]]!r}, got {period!r}")
    return RevenueFilter(CHARS[by], period, stream, asset)


Filter = Annotated[RevenueFilter, Depends(revenue_filter)]


@router.get("/revenue", summary="Revenue", dependencies=[visible(FINANCIAL_REVENUE)], response_model=REVENUE_ANSWER)
async def get_revenue(api: ApiDep, filters: Filter) -> Response:
    """Return what the platform earned by stream, asset and period."""
    return await answered(api, REVENUES, filters, "revenue")


@feeds.get("/revenue", summary="Revenue")
async def follow_revenue(api: ApiDep, filters: Filter, last_event_id: LastEventId = None) -> FeedResponse:
    """Follow revenue as it grows."""
    return await open_feed(api, REVENUE_FEED, SumsView(api.hub.shared_by(REVENUE_FEED), filters), last_event_id)
