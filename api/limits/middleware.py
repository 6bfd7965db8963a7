"""ASGI middleware that identifies the caller of each request, charges it, and holds a slot for each feed."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.kit.context import Api
from api.kit.feeds.handover import HANDOVER, Handover
from api.kit.identification import identify
from api.kit.problems import MEDIA_TYPE, Problem
from api.limits import callers
from api.limits.charge import SCOPE_KEY, Charge
from api.limits.policies import LOOK_UP_UNITS, cost_of
from api.limits.slots import Slots

FEED = "/v1/feed/"
ANSWER_BEGINS = frozenset({"http.response.start", "websocket.http.response.start"})


class LimitRate:
    """Refuses callers who ask for too much, before anything else is done for them."""

    def __init__(self, app: ASGIApp, api: Api) -> None:
        self.app = app
        self._api = api

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Charge the request and pass it on, or answer 429."""
        if scope["type"] == "lifespan" or not (units := _cost(scope)):
            await self.app(scope, receive, send)
            return
        charge = scope[SCOPE_KEY] = await self._charge(scope)

        async def add(message: Message) -> None:
            if message["type"] in ANSWER_BEGINS:
                message["headers"] += charge.headers()
            await send(message)

        try:
            await charge.take(units)
            with ExitStack() as held:
                if (slots := self._slots(scope)) is not None:
                    held.enter_context(slots.hold(charge.caller, anonymous=charge.anonymous))
                await self.app(scope, receive, add)
                _hand_over(held, scope)
        except Problem as problem:  # only of this middleware: the application answers its own
            document = problem.document(scope["path"])
            answer = JSONResponse(document, problem.kind.status, problem.headers, media_type=MEDIA_TYPE)
            await answer(scope, receive, add)

    def _slots(self, scope: Scope) -> Slots | None:
        if scope["type"] == "websocket":
            return self._api.socket_slots
        return self._api.feed_slots if scope["path"].startswith(FEED) else None

    async def _charge(self, scope: Scope) -> Charge:
        """Return the charge of the caller.

        It is the address's for a bad token, which the route refuses, and on open routes, which read no token: a caller
        could otherwise register accounts from the units of an account.
        """
        limiter = self._api.limiter
        if self._api.permissions.ignores_tokens(scope["path"]):
            return self._charge_of_address(scope)
        caller = (await identify(self._api, scope, partial(self._pay_for_look_up, scope))).caller
        if caller is None:
            return self._charge_of_address(scope)
        return Charge(limiter, callers.of_principal(limiter, caller), anonymous=False)

    async def _pay_for_look_up(self, scope: Scope) -> None:
        """Charge the address, so that unknown API keys do not flood the store."""
        await self._charge_of_address(scope).take(LOOK_UP_UNITS)

    def _charge_of_address(self, scope: Scope) -> Charge:
        api = self._api
        return Charge(api.limiter, callers.of_address(api.limiter, api.addresses.of(scope)), anonymous=True)


def _cost(scope: Scope) -> int:
    return cost_of(scope.get("method", "GET"), scope["path"], scope["query_string"])


def _hand_over(held: ExitStack, scope: Scope) -> None:
    """Let the feed of a socket keep its slot: its session lives on when the call of its route has returned."""
    handover: Handover | None = scope.get(HANDOVER)
    if handover is not None and handover.session is not None:
        handover.session.held.push(held.pop_all())
