"""`/v1/account/webhooks`: the caller's webhooks. No API key may call these routes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import Response

from api.identity import webhooks
from api.identity.accounts import StatusError, UnknownAccountError
from api.identity.routes.models import Body
from api.identity.webhooks import CreatedWebhook, EventTypeError, TooManyWebhooksError, Webhook
from api.kit.bodies import BodyReader
from api.kit.callers import BEARER, Caller
from api.kit.clock import now
from api.kit.context import Api, ApiDep
from api.kit.openapi import problems
from api.kit.problems import ACCOUNT_STATE, LIMIT_REACHED, NOT_FOUND, VALIDATION, Fault, Problem
from streams.connect.webhooks.guard import URL_CHARS_MAX, check_url
from streams.events.base import ID_PATTERN
from streams.times import Instant

TYPES_MAX: Final = 50


class WebhookRequest(Body):
    """A new webhook."""

    url: Annotated[
        str,
        Field(
            max_length=URL_CHARS_MAX,
            description="where events are posted, by https",
            examples=["https://partner.example/astratrade"],
        ),
    ]
    types: Annotated[
        list[str],
        Field(
            min_length=1,
            max_length=TYPES_MAX,
            description="the types of events; a venue gets those of its own fills",
            examples=[["astra.trading.TradeExecuted.v1"]],
        ),
    ]


class WebhookAnswer(BaseModel):
    """A webhook without its secret."""

    id: str
    url: str
    types: list[str]
    created_at: Instant
    waiting: Annotated[int, Field(description="events that wait for an attempt")]
    given_up: Annotated[int, Field(description="events that failed too often; replay them")]


class CreatedWebhookAnswer(WebhookAnswer):
    """A new webhook. This answer alone has its secret."""

    secret: Annotated[str, Field(description="signs each delivery (Standard Webhooks, v1); it is never shown again")]


class WebhooksAnswer(BaseModel):
    """The caller's webhooks, the oldest first."""

    webhooks: list[WebhookAnswer]


class GivenUpAnswer(BaseModel):
    """An event that failed too often."""

    event_id: str
    type: str
    attempts: int
    last_error: str


class GivenUpListAnswer(BaseModel):
    """Events of a webhook that failed too often, the oldest first."""

    events: list[GivenUpAnswer]


class ReplayAnswer(BaseModel):
    """How many events are tried again."""

    replayed: int


REQUEST: Final = BodyReader(WebhookRequest)
BODIES = (WebhookRequest,)
CREATION: Final[dict[str, Any]] = {
    "security": [{BEARER.scheme_name: []}],
    "requestBody": REQUEST.described(
        {
            "A venue follows its fills": {
                "url": "https://venue.example/astratrade",
                "types": ["astra.trading.TradeExecuted.v1", "astra.trading.FillRejected.v1"],
            }
        }
    ),
}
WebhookId = Annotated[str, Path(pattern=ID_PATTERN, description="the webhook's id")]
EventPath = Annotated[str, Path(pattern=ID_PATTERN, description="the event's id")]

router = APIRouter(prefix="/v1/account/webhooks", tags=["Account"], responses=problems(401, 403, 503))


@router.post(
    "",
    status_code=HTTPStatus.CREATED,
    summary="Create a webhook",
    responses=problems(400, 404, 409, 413, 415, 422, 429),
    openapi_extra=CREATION,
)
async def post_webhook(api: ApiDep, caller: Caller, request: Request) -> CreatedWebhookAnswer:
    """Post events to a URL of the caller, beginning with those that happen from now on."""
    body = await REQUEST.read(request)
    with _as_problems():
        url = check_url(body.url, private=api.config.webhooks_private)
        async with api.store.work(now()) as work:
            return _created(
                await webhooks.subscribe(work, api.identity.seal, caller.subject, url, frozenset(body.types))
            )


@router.get("", summary="Your webhooks")
async def get_webhooks(api: ApiDep, caller: Caller) -> WebhooksAnswer:
    """Return the caller's webhooks, without their secrets."""
    async with api.store.read() as connection:
        return WebhooksAnswer(webhooks=[_answer(one) for one in await webhooks.webhooks_of(connection, caller.subject)])


@router.delete(
    "/{webhook_id}", status_code=HTTPStatus.NO_CONTENT, summary="End a webhook", responses=problems(404, 422)
)
async def delete_webhook(api: ApiDep, caller: Caller, webhook_id: WebhookId) -> Response:
    """End a webhook of the caller. What waits is not posted any more."""
    async with api.store.work(now()) as work:
        if not await webhooks.unsubscribe(work, caller.subject, webhook_id):
            raise _unknown()
    return Response(status_code=HTTPStatus.NO_CONTENT)


@router.get("/{webhook_id}/given-up", summary="Events that were given up", responses=problems(404, 422))
async def get_given_up(api: ApiDep, caller: Caller, webhook_id: WebhookId) -> GivenUpListAnswer:
    """Return events that failed too often, at most a hundred."""
    async with api.store.read() as connection:
        if not await webhooks.owns(connection, caller.subject, webhook_id):
            raise _unknown()
        found = await webhooks.given_up(connection, webhook_id)
    events = [
        GivenUpAnswer(event_id=one.event_id, type=one.type, attempts=one.attempts, last_error=one.last_error)
        for one in found
    ]
    return GivenUpListAnswer(events=events)


@router.post("/{webhook_id}/replay", summary="Replay all events that were given up", responses=problems(404, 422))
async def replay_all(api: ApiDep, caller: Caller, webhook_id: WebhookId) -> ReplayAnswer:
    """Try all events of a webhook again that were given up."""
    return await _replay(api, caller.subject, webhook_id, None)


@router.post(
    "/{webhook_id}/given-up/{event_id}/replay",
    summary="Replay an event that was given up",
    responses=problems(404, 422),
)
async def replay_one(api: ApiDep, caller: Caller, webhook_id: WebhookId, event_id: EventPath) -> ReplayAnswer:
    """Try an event again that was given up."""
    return await _replay(api, caller.subject, webhook_id, event_id)


async def _replay(api: Api, account_id: str, webhook_id: str, event_id: str | None) -> ReplayAnswer:
    async with api.store.work(now()) as work:
        if not await webhooks.owns(work.connection, account_id, webhook_id):
            raise _unknown()
        count = await webhooks.replay(work, webhook_id, event_id)
    if event_id is not None and not count:
        raise Problem(NOT_FOUND, f"no event {event_id!r} of this webhook was given up")
    return ReplayAnswer(replayed=count)


@contextmanager
def _as_problems() -> Iterator[None]:
    try:
        yield
    except ValueError as exc:
        raise _invalid("#/url", str(exc)) from exc
    except EventTypeError as exc:
        raise _invalid("#/types", str(exc)) from exc
    except TooManyWebhooksError as exc:
        raise Problem(LIMIT_REACHED, str(exc)) from exc
    except StatusError as exc:
        raise Problem(ACCOUNT_STATE, str(exc)) from exc
    except UnknownAccountError as exc:
        raise Problem(NOT_FOUND, str(exc)) from exc


def _invalid(pointer: str, detail: str) -> Problem:
    return Problem(VALIDATION, f"{pointer}: {detail}", errors=[Fault(pointer=pointer, detail=detail)])


def _unknown() -> Problem:
    return Problem(NOT_FOUND, "you have no such webhook")


def _answer(webhook: Webhook) -> WebhookAnswer:
    return WebhookAnswer(
        id=webhook.id,
        url=webhook.url,
        types=list(webhook.types),
        created_at=webhook.created,
        waiting=webhook.waiting,
        given_up=webhook.given_up,
    )


def _created(created: CreatedWebhook) -> CreatedWebhookAnswer:
    return CreatedWebhookAnswer(**dict(_answer(created.webhook)), secret=created.secret)
