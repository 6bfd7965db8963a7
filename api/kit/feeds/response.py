"""Server-sent events over ASGI.

FastAPI's response does not do: the hub has to learn of every end of a feed, and clients that read nothing are dropped.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from api.kit.feeds.handover import HANDOVER, Handover
from api.kit.feeds.hub import Hub
from api.kit.feeds.session import Session
from api.kit.feeds.sse import LAST_FRAMES, RECONNECT

HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


async def frames(session: Session) -> AsyncGenerator[bytes]:
    """Yield a session's events as server-sent events, and at the end the reason."""
    yield RECONNECT
    async with aclosing(session.events()) as events:
        async for event in events:
            yield event.sse
    if session.ended is not None and session.ended in LAST_FRAMES:
        yield LAST_FRAMES[session.ended]


class FeedResponse(StreamingResponse):
    """Sends a session's frames until either side ends it. A socket that called the route takes the session instead."""

    media_type = "text/event-stream"

    def __init__(self, hub: Hub, session: Session, status_code: int = 200) -> None:
        self.hub = hub
        self.session = session
        self.frames = frames(session)
        super().__init__(self.frames, status_code, HEADERS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request."""
        handover: Handover | None = scope.get(HANDOVER)
        if handover is None:
            await super().__call__(scope, receive, send)
            return
        handover.session = self.session
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def stream_response(self, send: Send) -> None:
        """Send frames until the feed ends, or the client does not read one in time."""
        try:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            clock = asyncio.get_running_loop().time
            async with self.session.sending as sending:
                async for frame in self.frames:
                    sending.since_s = clock()
                    await send({"type": "http.response.body", "body": frame, "more_body": True})
                    sending.since_s = None
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        except TimeoutError:
            pass  # the server cuts the unfinished response; the client can resume
        finally:
            self.hub.leave(self.session)
            await self.frames.aclose()
