"""Server-sent events over ASGI.

FastAPI's response does not do: the hub has to learn of every end of a feed, and clients that read nothing are dropped.
"""

from __future__ import annotations

import asyncio

from starlette.responses import StreamingResponse
from starlette.types import Send

from api.kit.feeds.hub import Hub
from api.kit.feeds.session import Session

HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


class FeedResponse(StreamingResponse):
    """Sends a session's frames until either side ends it."""

    media_type = "text/event-stream"

    def __init__(self, hub: Hub, session: Session, status_code: int = 200) -> None:
        self.hub = hub
        self.session = session
        self.frames = session.frames()
        super().__init__(self.frames, status_code, HEADERS)

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
