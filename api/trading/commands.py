"""Commands of trading: `POST /v1/trades`, `/v1/trades/{id}/close`, `/v1/fills`, `/v1/prices`.

The routes read their requests themselves (`api.kit.commands.reading`). Their declarations serve the description only.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request
from starlette.responses import Response

from api.kit.commands.answers import Accepted, AcceptedBatch, accepted, accepted_batch
from api.kit.commands.reading import WITHOUT_BODY, CommandRoute, Reader, read_without_body
from api.kit.openapi import problems
from api.limits.charge import charge_items
from api.trading import examples
from api.trading.fills import fill_entry
from api.trading.models import FillBatch, Order, PriceBatch
from streams.events.base import ID_PATTERN
from streams.events.market import PriceUpdated
from streams.events.trading import CloseTrade, OpenTrade, ReportFill
from streams.ids import opened_trade_id

router = APIRouter(
    prefix="/v1",
    responses=problems(400, 401, 403, 413, 415, 422, 503),
    route_class=CommandRoute,
)


class AcceptedTrade(Accepted):
    """The order is in the log. `trade_id` is the trade that it opens, unless it is rejected."""

    trade_id: str


read_order = Reader(Order)
read_fills = Reader(FillBatch)
read_prices = Reader(PriceBatch)


@router.post(
    "/trades",
    status_code=202,
    summary="Open a trade",
    response_model=AcceptedTrade,
    openapi_extra=read_order.described(examples.ORDERS),
)
async def open_trade(request: Request) -> Response:
    """Ask to open a trade at the current mark price. Rejections (margin, limits) come as events on the user's feed."""
    order = await read_order(request)
    submission = await order.begin(OpenTrade, "trades.open")
    event_id = submission.event_id()
    trade_id = opened_trade_id(event_id)
    command = submission.entry(OpenTrade(**dict(order.value)), event_id, subject=trade_id)
    written = await order.api.writer.write(OpenTrade, [command], submission)
    return accepted(order.api, written, OpenTrade, trade_id=trade_id)


@router.post(
    "/trades/{trade_id}/close",
    status_code=202,
    summary="Close a trade",
    response_model=Accepted,
    openapi_extra=WITHOUT_BODY,
)
async def close_trade(
    request: Request,
    trade_id: Annotated[str, Path(pattern=ID_PATTERN, examples=["0192f7c4-5d6e-7a10-8f00-1b2c3d4e5f60"])],
) -> Response:
    """Ask to close one of the caller's open practice trades at the current mark price."""
    closing = read_without_body(request)
    submission = await closing.begin(CloseTrade, f"trades.close.{trade_id}")
    command = submission.entry(CloseTrade(trade_id=trade_id), submission.event_id(), subject=trade_id)
    written = await closing.api.writer.write(CloseTrade, [command], submission)
    return accepted(closing.api, written, CloseTrade)


@router.post(
    "/fills",
    status_code=202,
    summary="Report fills",
    response_model=AcceptedBatch,
    openapi_extra=read_fills.described(examples.FILLS),
)
async def report_fills(request: Request) -> Response:
    """Report fills of the venue that is the token's subject. All of the batch is accepted, or none of it."""
    batch = await read_fills(request)
    await charge_items(request.scope, len(batch.value.fills))
    submission = await batch.begin(ReportFill, "fills")
    fills = [fill_entry(submission, fill) for fill in batch.value.fills]
    written = await batch.api.writer.write(ReportFill, fills, submission)
    return accepted_batch(batch.api, written, ReportFill)


@router.post(
    "/prices",
    status_code=202,
    summary="Report mark prices",
    response_model=AcceptedBatch,
    openapi_extra=read_prices.described(examples.PRICES),
)
async def report_prices(request: Request) -> Response:
    """Report mark prices; they value positions and liquidate practice trades."""
    batch = await read_prices(request)
    await charge_items(request.scope, len(batch.value.prices))
    submission = await batch.begin(PriceUpdated, "prices")
    marks = [
        submission.entry(
            PriceUpdated(market=mark.market, price=mark.price),
            submission.event_id(item),
            key=mark.market,
            time=mark.time,
        )
        for item, mark in enumerate(batch.value.prices)
    ]
    written = await batch.api.writer.write(PriceUpdated, marks, submission)
    return accepted_batch(batch.api, written, PriceUpdated)
