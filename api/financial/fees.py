"""Fee totals, summed over the partitions, as a query and as a feed. Public."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from api.financial.sums import SumsView, answered, totals_feed
from api.financial.totals import FEE, FEES, FeeFilter
from api.kit.context import ApiDep
from api.kit.feeds.response import FeedResponse
from api.kit.feeds.routing import LastEventId, feed_router, open_feed
from api.kit.openapi import problems
from api.kit.parameters import visible
from api.kit.problems import invalid
from tables.financial import ALL_DAYS, FINANCIAL_FEES

NamePart = Annotated[str | None, Query(max_length=64)]
DAY_PATTERN = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)

FEES_ANSWER: Final = FEE.list_answer("FeesAnswer", "Fee totals and the position they are true for.", "fees")

router = APIRouter(prefix="/v1", responses=problems(410, 422, 503, 504))
feeds = feed_router()


FEES_FEED: Final = totals_feed("fees", FEES)


async def fee_filter(
    day: Annotated[
        str, Query(description="a UTC day such as `2024-09-20`, `all` for all-time totals, `each` for every day")
    ] = ALL_DAYS,
    source: NamePart = None,
    asset: NamePart = None,
    beneficiary: NamePart = None,
) -> FeeFilter:
    """Return the filters of a request.

    Raises:
        Problem: 422 when the day is not a day.
    """
    if day not in {ALL_DAYS, "each"} and not _is_day(day):
        detail = f"expected a day like '2024-09-20', 'all' or 'each', got {day[:40]!r}"
        raise invalid("day", detail)
    return FeeFilter(None if day == "each" else day, source, asset, beneficiary)


Filter = Annotated[FeeFilter, Depends(fee_filter)]


def _is_day(text: str) -> bool:
    try:
        return DAY_PATTERN.fullmatch(text) is not None and bool(date.fromisoformat(text))
    except ValueError:
        return False


@router.get("/fees", summary="Fee totals", dependencies=[visible(FINANCIAL_FEES)], response_model=FEES_ANSWER)
async def get_fees(api: ApiDep, filters: Filter) -> Response:
    """Return accrued fees by source, asset, UTC day and beneficiary. Beneficiary `total` is the whole of each fee."""
    return await answered(api, FEES, filters, "fees")


@feeds.get("/fees", summary="Fee totals")
async def fees(api: ApiDep, filters: Filter, last_event_id: LastEventId = None) -> FeedResponse:
    """Fee totals as they grow."""
    return await open_feed(api, FEES_FEED, SumsView(api.hub.shared_by(FEES_FEED), filters), last_event_id)
