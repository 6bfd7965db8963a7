"""Fees by hour, as a query and as a feed. Public."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter
from pydantic import BaseModel, Field, JsonValue
from starlette.responses import Response

from api.financial.totals import amount_text
from api.kit.context import ApiDep
from api.kit.feeds.response import FeedResponse
from api.kit.feeds.routing import LastEventId, feed_router, open_feed
from api.kit.openapi import problems
from api.kit.parameters import visible
from api.kit.windows.answers import windows_answer, windows_of
from api.kit.windows.feeds import WindowsView, windows_feed
from api.kit.windows.ranges import LAST_DEFAULT, AskedRange, LastWindows
from api.kit.windows.table import Series, WindowTable
from streams.times import Instant
from tables.fee_hours import FeeHour, merged
from tables.financial import FINANCIAL_FEE_HOURS, FINANCIAL_WATERMARK
from tables.keys import SEPARATOR

HOURLY: Final = Series("1h")

AmountText = Annotated[str, Field(examples=["1.50"], description="decimal text, in the asset")]


class HourlyFees(BaseModel):
    """Fees of one source and asset in an hour. The beneficiaries' amounts add up to `amount`."""

    source: str
    asset: str
    amount: AmountText
    count: int
    beneficiaries: dict[str, AmountText]


class FeesOfHour(BaseModel):
    """The fees of an hour of event time, by source and asset."""

    begin: Instant
    fees: list[HourlyFees]


def shown(row: FeeHour, key: str) -> dict[str, JsonValue]:
    """Return the fees of an hour as clients see them."""
    fees: list[JsonValue] = []
    for name, fee in row.fees.items():
        source, asset = name.split(SEPARATOR)
        shares: dict[str, JsonValue] = {one: amount_text(asset, share) for one, share in fee.beneficiaries.items()}
        amount = amount_text(asset, fee.amount)
        fees.append({"source": source, "asset": asset, "amount": amount, "count": fee.count, "beneficiaries": shares})
    return {"begin": key.split(SEPARATOR)[1], "fees": fees}


FEE_HOURS: Final = WindowTable(FINANCIAL_FEE_HOURS, FINANCIAL_WATERMARK, merged, shown)
FEE_HOURS_ANSWER: Final = windows_answer(
    "FeeHoursAnswer", "Fees by hour, oldest first, and the position they are true for.", "hours", FeesOfHour
)
FEE_HOURS_FEED: Final = windows_feed("fee-hours", FEE_HOURS)

router = APIRouter(prefix="/v1/fees", responses=problems(410, 422, 503, 504))
feeds = feed_router()


@router.get(
    "/hours", summary="Fees by hour", dependencies=[visible(FINANCIAL_FEE_HOURS)], response_model=FEE_HOURS_ANSWER
)
async def get_fee_hours(api: ApiDep, asked: AskedRange) -> Response:
    """Return accrued fees by hour, source, asset and beneficiary. An hour without fees is left out."""
    return await windows_of(api, FEE_HOURS, HOURLY, asked, "hours")


@feeds.get("/fee-hours", summary="Fees by hour")
async def follow_fee_hours(
    api: ApiDep, last: LastWindows = LAST_DEFAULT, last_event_id: LastEventId = None
) -> FeedResponse:
    """Follow fees by hour. Each delta has whole hours."""
    view = WindowsView(api.hub.shared_by(FEE_HOURS_FEED), [HOURLY], last)
    return await open_feed(api, FEE_HOURS_FEED, view, last_event_id)
