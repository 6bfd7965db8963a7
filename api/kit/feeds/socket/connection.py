"""One WebSocket: it reads the client's messages, keeps its subscriptions and its permit, and closes with a reason."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from functools import partial
from typing import Final, NamedTuple

import msgspec
from starlette.websockets import WebSocket, WebSocketDisconnect

from api.kit.clock import now
from api.kit.context import Api
from api.kit.feeds.permit import Permit
from api.kit.feeds.session import SEND_TIMEOUT_S, Sending
from api.kit.feeds.socket import messages
from api.kit.feeds.socket.allowance import Allowance
from api.kit.feeds.socket.message_sender import MessageSender
from api.kit.feeds.socket.messages import Authenticate, Authenticated, Expiring, Subscribe, Unsubscribe, encode
from api.kit.feeds.socket.subscription import Subscription
from api.kit.identification import verified
from api.kit.problems import FORBIDDEN, MALFORMED_JSON, VALIDATION, Problem
from api.limits.charge import charge_units
from api.limits.policies import LOOK_UP_UNITS
from streams.times import SECOND_US, Instant

SUBSCRIPTIONS_MAX: Final = 100
MESSAGES_PER_S: Final = 20
MESSAGES_BURST_MAX: Final = 200
PENDING_CHANGES_MAX: Final = 20_000
"""Changes that wait for one client in all its subscriptions together; each subscription has its own limit besides."""
EXPIRY_NOTICE_S: Final = 60
IDLE_S: Final = 60.0
"""How long a socket without a subscription stays open."""

LAST_WORDS_S: Final = 0.5
"""How long a socket that is closed waits for its subscriptions to say why they end."""
CLOSE_S: Final = 1.0

PATH: Final = "/v1/ws"


class Closing(NamedTuple):
    """Why the server closes a socket: the code of RFC 6455 and a sentence."""

    code: int
    reason: str


STOPPING: Final = Closing(1012, "the server is stopping; connect again and resume")
NOT_TEXT: Final = Closing(1003, "messages are text: one JSON object each")
TOO_MANY_MESSAGES: Final = Closing(1008, f"more than {MESSAGES_PER_S} messages a second")
IDLE: Final = Closing(1000, f"no subscription for {IDLE_S:.0f} s")
TOO_SLOW: Final = Closing(1013, f"nothing was accepted for {SEND_TIMEOUT_S:.0f} s; connect again and resume")
GONE: Final = Closing(1005, "the client is gone")


class Connection:
    """Serves one socket from its handshake to its end."""

    def __init__(self, api: Api, websocket: WebSocket) -> None:
        self._api = api
        self._websocket = websocket
        self._sending = Sending()
        self._sender = MessageSender(websocket, self._sending)
        self._permit: Permit | None = None
        self._noticed = False
        self._allowance = Allowance(MESSAGES_PER_S, MESSAGES_BURST_MAX)
        self._subscriptions: dict[str, tuple[Subscription, asyncio.Task[None]]] = {}
        self._notices: set[asyncio.Task[None]] = set()
        self._idle_since_s = asyncio.get_running_loop().time()
        self._closing: asyncio.Future[Closing] = asyncio.get_running_loop().create_future()

    async def run(self, permit: Permit | None) -> None:
        """Accept the handshake and serve until either side closes.

        Args:
            permit: The permit of the caller of the handshake; None when it named none.
        """
        self._api.hub.enter(self)
        try:
            await self._websocket.accept()
            closing = await self._serve(permit)
        finally:
            self._api.hub.exit(self)
        if closing is not GONE:
            with suppress(WebSocketDisconnect, RuntimeError, TimeoutError):  # the client may be faster, or take nothing
                async with asyncio.timeout(CLOSE_S):
                    await self._websocket.close(closing.code, closing.reason)

    async def _serve(self, permit: Permit | None) -> Closing:
        reading = asyncio.create_task(self._read(permit))
        try:
            async with self._sending:
                await asyncio.wait({reading, self._closing}, return_when=asyncio.FIRST_COMPLETED)
        except TimeoutError:
            return TOO_SLOW
        finally:
            await self._end_tasks(reading)
        return self._closing.result() if self._closing.done() else reading.result()

    async def _end_tasks(self, reading: asyncio.Task[Closing]) -> None:
        subscriptions = {task for _, task in self._subscriptions.values()}
        if self._closing.done() and subscriptions:
            await asyncio.wait(subscriptions, timeout=LAST_WORDS_S)
        tasks = {reading, *self._notices, *subscriptions}
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)

    # --- messages of the client ---------------------------------------------------------------------------------------

    async def _read(self, permit: Permit | None) -> Closing:
        """Carry out the client's messages, one after the other. Return why the socket is to be closed."""
        try:
            if permit is not None:
                await self._adopt(permit)
            while True:
                message = await self._websocket.receive()
                if message["type"] == "websocket.disconnect":
                    return GONE
                if message.get("text") is None:
                    return NOT_TEXT
                if not self._allowance.take(asyncio.get_running_loop().time()):
                    return TOO_MANY_MESSAGES
                await self._carry_out(message["text"])
        except WebSocketDisconnect:
            return GONE

    async def _carry_out(self, text: str) -> None:
        subscription: str | None = None
        try:
            request = _decoded(text)
            match request:
                case Authenticate():
                    await self._adopt(await self._permit_of(request.token))
                case Subscribe():
                    subscription = request.subscription
                    self._subscribe(request)
                case Unsubscribe():
                    subscription = request.subscription
                    await self._unsubscribe(request)
        except Problem as problem:
            await self._sender.send(encode(messages.Problem(problem.document(PATH), subscription)))

    async def _permit_of(self, credential: str) -> Permit:
        """Verify a token or an API key. The socket's caller pays for a reading of the store."""
        scope = self._websocket.scope
        caller = await verified(self._api, scope, credential, partial(charge_units, scope, LOOK_UP_UNITS))
        return Permit(self._api.identity.verifier, credential, caller)

    async def _adopt(self, permit: Permit) -> None:
        """Take a token over: the first one, or a newer one of the same subject. A key is not replaced by another."""
        if self._permit is None or self._permit.lapsed(now()):
            self._permit = permit
        elif permit.caller.subject != self._permit.caller.subject or permit.caller.key_id != self._permit.caller.key_id:
            raise Problem(FORBIDDEN, "this socket belongs to another account or API key; open a new one")
        else:
            self._permit.renew(permit)
        self._noticed = False
        caller, expires = self._permit.caller, self._permit.expires
        answer = Authenticated(caller.subject, caller.role.value, None if expires is None else expires.text())
        await self._sender.send(encode(answer))

    def _subscribe(self, request: Subscribe) -> None:
        if request.subscription in self._subscriptions:
            raise Problem(VALIDATION, f"the subscription {request.subscription!r} exists; unsubscribe it first")
        if len(self._subscriptions) >= SUBSCRIPTIONS_MAX:
            raise Problem(VALIDATION, f"a socket carries at most {SUBSCRIPTIONS_MAX} subscriptions; open another one")
        subscription = Subscription(request, self._api.hub, self._sender)
        task = asyncio.create_task(self._follow(request.subscription, subscription))
        self._subscriptions[request.subscription] = subscription, task

    async def _follow(self, name: str, subscription: Subscription) -> None:
        try:
            valid = self._permit is not None and not self._permit.lapsed(now())
            await subscription.run(self._websocket.scope, self._permit if valid else None)
        except WebSocketDisconnect:
            return
        finally:
            self._subscriptions.pop(name, None)
            self._idle_since_s = asyncio.get_running_loop().time()

    async def _unsubscribe(self, request: Unsubscribe) -> None:
        found = self._subscriptions.get(request.subscription)
        if found is None:
            raise Problem(VALIDATION, f"there is no subscription {request.subscription!r}")
        subscription, task = found
        await subscription.end(task)

    # --- the hub's clock ----------------------------------------------------------------------------------------------

    def tick(self, now_s: float) -> None:
        """Notice a slow client, an idle socket, and a token that is about to expire."""
        self._sending.give_up_after(SEND_TIMEOUT_S, now_s)
        self._shed()
        if not self._subscriptions and now_s - self._idle_since_s > IDLE_S:
            self._close(IDLE)
        expires = None if self._permit is None or self._noticed else self._permit.expires
        if expires is not None and now() >= expires - EXPIRY_NOTICE_S * SECOND_US:
            self._noticed = True
            self._notify(expires)

    def _shed(self) -> None:
        """Drop the subscriptions with the most pending changes when too many wait for this client in all."""
        pending = sum(subscription.pending for subscription, _ in self._subscriptions.values())
        largest = sorted(self._subscriptions.values(), key=lambda one: -one[0].pending) if pending else []
        for subscription, _ in largest:
            if pending <= PENDING_CHANGES_MAX:
                return
            pending -= subscription.pending
            subscription.drop()

    def _notify(self, expires: Instant) -> None:
        async def send() -> None:
            try:
                await self._sender.send(encode(Expiring(expires.text())))
            except WebSocketDisconnect:
                return

        notice = asyncio.create_task(send())
        self._notices.add(notice)
        notice.add_done_callback(self._notices.discard)

    def stop(self) -> None:
        """Close the socket, since the server stops. Its sessions end by themselves."""
        self._close(STOPPING)

    def _close(self, closing: Closing) -> None:
        if not self._closing.done():
            self._closing.set_result(closing)


def _decoded(text: str) -> messages.Request:
    try:
        return messages.decode(text)
    except msgspec.ValidationError as exc:
        raise Problem(VALIDATION, str(exc)) from exc
    except (msgspec.MsgspecError, RecursionError) as exc:
        raise Problem(MALFORMED_JSON, f"a message is one JSON object: {exc}") from exc
