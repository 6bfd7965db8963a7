"""One subscription of a socket: it opens the feed, sends its events, and says at the end why it ended."""

from __future__ import annotations

import asyncio
import logging
from contextlib import aclosing
from typing import Final

from starlette.types import Scope
from starlette.websockets import WebSocketDisconnect

from api.kit.feeds.hub import Hub
from api.kit.feeds.permit import Permit
from api.kit.feeds.session import Session
from api.kit.feeds.socket.message_sender import MessageSender
from api.kit.feeds.socket.messages import Ended, Problem, Subscribe, Subscribed, encode, event_prefix
from api.kit.feeds.socket.opening import Refusal, open_session
from api.kit.feeds.subscriber import ResyncReason

UNSUBSCRIBED: Final = "unsubscribed"
FAILED: Final = "failed"

logger = logging.getLogger(__name__)


class Subscription:
    """Sends the events of one feed over a socket.

    Attributes:
        session: The feed's session; None until it is open.
    """

    def __init__(self, request: Subscribe, hub: Hub, sender: MessageSender) -> None:
        self.session: Session | None = None
        self._request = request
        self._hub = hub
        self._sender = sender

    async def run(self, scope: Scope, permit: Permit | None) -> None:
        """Open the feed and send its events until it ends."""
        request = self._request
        try:
            self.session = await open_session(self._hub, scope, request, permit)
        except Refusal as refusal:
            answer = Problem(refusal.problem, request.subscription, refusal.retry_after_s)
            await self._sender.send(encode(answer))
            return
        self.session.sending = self._sender.sending
        try:
            await self._sender.send(encode(Subscribed(request.subscription)))
            await self._send_events(self.session)
        finally:
            self._hub.leave(self.session)

    async def _send_events(self, session: Session) -> None:
        prefix = event_prefix(self._request.subscription)
        why: str
        try:
            async with aclosing(session.events()) as events:
                async for event in events:
                    await self._sender.send(f"{prefix}{event.members}}}")
            why = session.ended or FAILED
        except WebSocketDisconnect:
            return
        except Exception:
            logger.exception("a subscription to the feed %s failed", session.name)
            why = FAILED
        await self._sender.send(encode(Ended(self._request.subscription, why)))

    @property
    def pending(self) -> int:
        """Return how many changes wait for the client."""
        return 0 if self.session is None else self.session.subscriber.pending

    def drop(self) -> None:
        """Make the client start again, because too much waits for it."""
        if self.session is not None:
            self.session.subscriber.lose(ResyncReason.SLOW)

    async def end(self, task: asyncio.Task[None]) -> None:
        """End the subscription at the client's wish, and say so."""
        task.cancel()
        await asyncio.wait({task})
        await self._sender.send(encode(Ended(self._request.subscription, UNSUBSCRIBED)))
