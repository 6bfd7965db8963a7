"""Commands in: `POST /v1/trades`, `/v1/trades/{id}/close`, `/v1/fills`, `/v1/prices`.

The routes read their requests and write their answers themselves (`api.ingress.reading`); what they declare is for the
description.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Path, Request
from starlette.responses import Response

from api import examples
from api.auth import Role
from api.clock import now
from api.context import Api
from api.ingress.entries import entry, fill_entry
from api.ingress.models import Accepted, AcceptedBatch, AcceptedTrade, FillBatch, Order, PriceBatch
from api.ingress.reading import JSON, TRADER, WITHOUT_BODY, CommandRoute, Reader, allowed, key_of
from api.ingress.writer import Written
from api.openapi import problems
from streams import topics
from streams.events import Event, EventData
from streams.events.base import ID_PATTERN
from streams.events.market import PriceUpdated
from streams.events.trading import CloseTrade, OpenTrade, ReportFill
from streams.ids import opened_trade_id

router = APIRouter(
    prefix="/v1",
    tags=["Commands"],
    responses=problems(400, 401, 403, 413, 415, 422, 503),
    route_class=CommandRoute,
)

read_order = Reader(Role.USER, Order)
read_fills = Reader(Role.VENUE, FillBatch)
read_prices = Reader(Role.SERVICE, PriceBatch)


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
    submission = await order.api.writer.begin(order.caller, "trades.open", order.key, order.digest, order.now)
    event_id = submission.event_id()
    trade_id = opened_trade_id(event_id)
    command = OpenTrade(**dict(order.value))
    event = Event.first(
        command,
        event_id=event_id,
        time=submission.began,
        key=order.caller,
        subject=trade_id,
        rules_version=order.api.config.rules_version,
    )
    written = await order.api.writer.write(topics.TRADING_COMMANDS, [entry(event)], submission)
    return _one(order.api, written, command, trade_id=trade_id)


@router.post(
    "/trades/{trade_id}/close",
    status_code=202,
    summary="Close a trade",
    response_model=Accepted,
    openapi_extra=WITHOUT_BODY,
    dependencies=[TRADER],
)
async def close_trade(
    request: Request,
    trade_id: Annotated[str, Path(pattern=ID_PATTERN, examples=["0192f7c4-5d6e-7a10-8f00-1b2c3d4e5f60"])],
) -> Response:
    """Ask to close one of the caller's open practice trades at the current mark price."""
    api: Api = request.app.state.api
    caller = allowed(api, request, Role.USER)
    submission = await api.writer.begin(caller, f"trades.close.{trade_id}", key_of(request), "", now())
    command = CloseTrade(trade_id=trade_id)
    event = Event.first(
        command,
        event_id=submission.event_id(),
        time=submission.began,
        key=caller,
        subject=trade_id,
        rules_version=api.config.rules_version,
    )
    written = await api.writer.write(topics.TRADING_COMMANDS, [entry(event)], submission)
    return _one(api, written, command)


@router.post(
    "/fills",
    status_code=202,
    summary="Report fills",
    response_model=AcceptedBatch,
    openapi_extra=read_fills.described(examples.FILLS),
)
async def report_fills(request: Request) -> Response:
    """Report what a venue executed; the venue is the token's subject. All of the batch is accepted, or none of it."""
    batch = await read_fills(request)
    submission = await batch.api.writer.begin(batch.caller, "fills", batch.key, batch.digest, batch.now)
    rules_version = batch.api.config.rules_version
    entries = [fill_entry(batch.caller, fill, rules_version) for fill in batch.value.fills]
    return _batch(batch.api, await batch.api.writer.write(topics.TRADING_COMMANDS, entries, submission), ReportFill)


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
    submission = await batch.api.writer.begin(batch.caller, "prices", batch.key, batch.digest, batch.now)
    events = [
        Event.first(
            PriceUpdated(market=mark.market, price=mark.price),
            event_id=submission.event_id(item),
            time=mark.time if mark.time is not None else submission.began,
            key=mark.market,
            rules_version=batch.api.config.rules_version,
        )
        for item, mark in enumerate(batch.value.prices)
    ]
    written = await batch.api.writer.write(topics.MARKET_PRICES, [entry(event) for event in events], submission)
    return _batch(batch.api, written, PriceUpdated)


def _one(api: Api, written: Written, command: EventData, **more: str) -> Response:
    """An `Accepted`, or with a trade's id an `AcceptedTrade`."""
    _count(api, written, type(command))
    return _accepted({**_where(written), **written.places[0]._asdict(), **more})


def _batch(api: Api, written: Written, command: type[EventData]) -> Response:
    """An `AcceptedBatch`."""
    _count(api, written, command)
    events = [
        {"event_id": event_id, "partition": partition, "offset": offset}
        for event_id, partition, offset in written.places
    ]
    return _accepted({**_where(written), "events": events})


def _where(written: Written) -> dict[str, str]:
    return {"topic": written.position.topic, "position": str(written.position)}


def _accepted(answer: dict[str, Any]) -> Response:
    return Response(orjson.dumps(answer), HTTPStatus.ACCEPTED, media_type=JSON)


def _count(api: Api, written: Written, command: type[EventData]) -> None:
    if written.again:
        api.metrics.replays.inc()
    else:
        api.metrics.commands.labels(command.__name__).inc(len(written.places))
