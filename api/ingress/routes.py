"""Commands in: `POST /v1/trades`, `/v1/trades/{id}/close`, `/v1/fills`, `/v1/prices`."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Header, Path
from starlette.responses import Response

from api import examples
from api.auth import Principal, Role, require
from api.clock import now
from api.context import Api, ApiDep
from api.ingress.body import Body, body, documented
from api.ingress.models import Accepted, AcceptedBatch, AcceptedEvent, AcceptedTrade, Fill, FillBatch, Order, PriceBatch
from api.ingress.writer import Written
from api.openapi import problems
from streams import topics
from streams.events import AnyEvent, Event
from streams.events.base import ID_PATTERN
from streams.events.market import PriceUpdated
from streams.events.trading import CloseTrade, OpenTrade, ReportFill
from streams.ids import fill_event_id, opened_trade_id

KEY_CHARS_MAX = 128

router = APIRouter(prefix="/v1", tags=["Commands"], responses=problems(400, 401, 403, 413, 415, 422, 503))

Trader = Annotated[Principal, Depends(require(Role.USER))]
Venue = Annotated[Principal, Depends(require(Role.VENUE))]
Service = Annotated[Principal, Depends(require(Role.SERVICE))]
IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=KEY_CHARS_MAX,
        pattern=r"^[\x21-\x7e]+$",
        description="Makes the request safe to repeat: the same key and body give the same answer and one effect. "
        "A key counts for one caller and one route.",
        examples=["order-7f3a"],
    ),
]


@router.post(
    "/trades",
    status_code=202,
    summary="Open a trade",
    openapi_extra=documented(Order, examples.ORDERS),
)
async def open_trade(
    api: ApiDep, caller: Trader, order: Annotated[Body[Order], Depends(body(Order))], key: IdempotencyKey = None
) -> AcceptedTrade:
    """Ask to open a trade at the current mark price. Rejections (margin, limits) come as events on the user's feed."""
    submission = await api.writer.begin(caller.subject, "trades.open", key, order.digest, now())
    event_id = submission.event_id()
    trade_id = opened_trade_id(event_id)
    command = OpenTrade(**dict(order.value))
    event = Event.first(command, event_id=event_id, time=submission.began, key=caller.subject, subject=trade_id)
    written = await api.writer.write(topics.TRADING_COMMANDS, [event], submission)
    return AcceptedTrade(**_accepted(api, written, event), trade_id=trade_id)


@router.post("/trades/{trade_id}/close", status_code=202, summary="Close a trade")
async def close_trade(
    api: ApiDep,
    caller: Trader,
    trade_id: Annotated[str, Path(pattern=ID_PATTERN, examples=["0192f7c4-5d6e-7a10-8f00-1b2c3d4e5f60"])],
    key: IdempotencyKey = None,
) -> Accepted:
    """Ask to close one of the caller's open practice trades at the current mark price."""
    submission = await api.writer.begin(caller.subject, f"trades.close.{trade_id}", key, "", now())
    event = Event.first(
        CloseTrade(trade_id=trade_id),
        event_id=submission.event_id(),
        time=submission.began,
        key=caller.subject,
        subject=trade_id,
    )
    written = await api.writer.write(topics.TRADING_COMMANDS, [event], submission)
    return Accepted(**_accepted(api, written, event))


@router.post(
    "/fills",
    status_code=202,
    summary="Report fills",
    response_model=AcceptedBatch,
    openapi_extra=documented(FillBatch, examples.FILLS),
)
async def report_fills(
    api: ApiDep, caller: Venue, batch: Annotated[Body[FillBatch], Depends(body(FillBatch))], key: IdempotencyKey = None
) -> Response:
    """Report what a venue executed; the venue is the token's subject. All of the batch is accepted, or none of it."""
    submission = await api.writer.begin(caller.subject, "fills", key, batch.digest, now())
    events = [_fill_event(caller.subject, fill) for fill in batch.value.fills]
    return _batch(api, await api.writer.write(topics.TRADING_COMMANDS, events, submission), "ReportFill")


@router.post(
    "/prices",
    status_code=202,
    summary="Report mark prices",
    response_model=AcceptedBatch,
    openapi_extra=documented(PriceBatch, examples.PRICES),
)
async def report_prices(
    api: ApiDep,
    caller: Service,
    batch: Annotated[Body[PriceBatch], Depends(body(PriceBatch))],
    key: IdempotencyKey = None,
) -> Response:
    """Report mark prices; they value positions and liquidate practice trades."""
    submission = await api.writer.begin(caller.subject, "prices", key, batch.digest, now())
    events: list[AnyEvent] = [
        Event.first(
            PriceUpdated(market=mark.market, price=mark.price),
            event_id=submission.event_id(item),
            time=mark.time if mark.time is not None else submission.began,
            key=mark.market,
        )
        for item, mark in enumerate(batch.value.prices)
    ]
    return _batch(api, await api.writer.write(topics.MARKET_PRICES, events, submission), "PriceUpdated")


def _fill_event(venue: str, fill: Fill) -> AnyEvent:
    data = {name: value for name, value in vars(fill).items() if name != "executed_at"}
    return Event.first(
        ReportFill(**data, venue=venue),
        event_id=fill_event_id(venue, fill.fill_id, fill.executed_at),
        time=fill.executed_at,
        key=fill.user_id,
        subject=fill.trade_id,
    )


def _accepted(api: Api, written: Written, event: AnyEvent) -> dict[str, str | int]:
    _count(api, written, type(event.data).__name__)
    return {"topic": written.position.topic, "position": str(written.position), **written.places[0]._asdict()}


def _batch(api: Api, written: Written, command: str) -> Response:
    _count(api, written, command)
    places = [AcceptedEvent.model_construct(**place._asdict()) for place in written.places]
    answer = AcceptedBatch.model_construct(topic=written.position.topic, position=str(written.position), events=places)
    return Response(answer.model_dump_json(), 202, media_type="application/json")


def _count(api: Api, written: Written, command: str) -> None:
    if written.again:
        api.metrics.replays.inc()
    else:
        api.metrics.commands.labels(command).inc(len(written.places))
