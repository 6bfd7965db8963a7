"""`POST /v1/feed/tickets`: a ticket for the URL of a feed."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from api.kit.callers import Caller
from api.kit.clock import now
from api.kit.context import ApiDep
from api.kit.feeds.tickets import TICKET_S
from api.kit.identification import identified
from api.kit.openapi import problems

router = APIRouter(prefix="/v1/feed", tags=["Live feeds"])


class FeedTicket(BaseModel):
    """A ticket, to be used once."""

    ticket: str
    expires_in_s: Annotated[int, Field(examples=[TICKET_S])] = TICKET_S


@router.post(
    "/tickets",
    status_code=HTTPStatus.CREATED,
    summary="A ticket for a browser's feed",
    responses=problems(401, 403, 429, 503),
)
async def post_ticket(api: ApiDep, _caller: Caller, request: Request, response: Response) -> FeedTicket:
    """Return a ticket that opens one feed with the caller's rights: `GET /v1/feed/<name>?ticket=<ticket>`.

    It is valid once, within 30 s. The feed ends when the caller's token expires.
    """
    response.headers["Cache-Control"] = "no-store"
    return FeedTicket(ticket=await api.tickets.issue(identified(request.scope).credential, now()))
