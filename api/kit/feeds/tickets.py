"""Feed tickets: a browser's EventSource cannot send a token in a header, and a token must not be in a URL.

A ticket stands for the token of the request that got it, once, for 30 seconds, in every API process. The broker keeps
the token, sealed, until then. Tickets are sealed, so that a forged or an expired one costs no call to the broker.
"""

from __future__ import annotations

import secrets
from typing import Final
from urllib.parse import parse_qsl, urlencode

from faust_redis.log import Log, LogError
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from api.auth import unauthenticated
from api.kit.clock import now
from api.kit.problems import BAD_REQUEST, MEDIA_TYPE, UNAVAILABLE, Problem
from api.kit.sealing import Sealer, SealError
from streams.times import SECOND_US, Instant

TICKET_S: Final = 30
TICKET_BYTES: Final = 16
PARAMETER: Final = "ticket"
FEEDS: Final = "/v1/feed/"
PURPOSE: Final = "feed ticket"
REFUSAL: Final = "the ticket is not valid, was used, or is older than 30 s; get another one at POST /v1/feed/tickets"


class Tickets:
    """Issues and redeems tickets."""

    def __init__(self, log: Log, sealer: Sealer) -> None:
        self._log = log
        self._sealer = sealer

    async def issue(self, token: str, at: Instant) -> str:
        """Return a new ticket for a token.

        Raises:
            LogUnavailableError: the broker cannot be reached.
        """
        name = secrets.token_urlsafe(TICKET_BYTES)
        key, ttl_ms = self._key(name), TICKET_S * 1_000
        await self._log.at_once(("HSET", key, "token", self._sealer.seal(name, token)), ("PEXPIRE", key, ttl_ms))
        return self._sealer.seal(PURPOSE, f"{at + TICKET_S * SECOND_US} {name}")

    async def redeem(self, ticket: str, at: Instant) -> str:
        """Return the token of a ticket, and void the ticket.

        Raises:
            Problem: 401 for a ticket that was not issued here, was used, or has expired.
            LogUnavailableError: the broker cannot be reached.
        """
        try:
            until, _, name = self._sealer.open(PURPOSE, ticket).partition(" ")
        except SealError:
            raise unauthenticated(REFUSAL) from None
        if at >= int(until):
            raise unauthenticated(REFUSAL)
        key = self._key(name)
        sealed, _ = await self._log.at_once(("HGET", key, "token"), ("DEL", key))  # one transaction: one caller gets it
        try:
            return self._sealer.open(name, (sealed or b"").decode("latin-1"))
        except SealError:  # used before, forgotten by the broker, or changed there
            raise unauthenticated(REFUSAL) from None

    def _key(self, name: str) -> str:
        """Return the key of a ticket. It does not tell the ticket."""
        return f"{self._log.keys.prefix}ticket:{self._sealer.alias(PURPOSE, name)}"


class RedeemTickets:
    """Replaces the ticket in the URL of a feed by the token that it stands for. All other code sees the token only."""

    def __init__(self, app: ASGIApp, tickets: Tickets) -> None:
        self.app = app
        self._tickets = tickets

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Redeem the ticket, if there is one, and pass the request on; or answer 400, 401 or 503."""
        if scope["type"] != "http" or not scope["path"].startswith(FEEDS) or PARAMETER.encode() not in _query(scope):
            await self.app(scope, receive, send)
            return
        try:
            scope = await self._redeemed(scope)
        except (Problem, LogError) as exc:
            unavailable = Problem(UNAVAILABLE, "the broker cannot be reached just now", headers={"Retry-After": "1"})
            problem = exc if isinstance(exc, Problem) else unavailable
            document = problem.document(scope["path"])
            answer = JSONResponse(document, problem.kind.status, problem.headers, media_type=MEDIA_TYPE)
            await answer(scope, receive, send)
            return
        await self.app(scope, receive, send)

    async def _redeemed(self, scope: Scope) -> Scope:
        query = parse_qsl(_query(scope).decode("latin-1"), keep_blank_values=True)
        tickets = [value for name, value in query if name == PARAMETER]
        if not tickets:
            return scope
        if len(tickets) > 1 or any(name == b"authorization" for name, _ in scope["headers"]):
            raise Problem(BAD_REQUEST, "send one ticket, or a token, and not both")
        token = await self._tickets.redeem(tickets[0], now())
        headers = [*scope["headers"], (b"authorization", b"Bearer " + token.encode("latin-1"))]
        rest = urlencode([(name, value) for name, value in query if name != PARAMETER])
        return {**scope, "headers": headers, "query_string": rest.encode()}


def _query(scope: Scope) -> bytes:
    query: bytes = scope["query_string"]
    return query
