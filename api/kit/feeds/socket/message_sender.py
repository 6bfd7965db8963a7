"""The sending side of a socket: one message at a time, and no queue. The sender waits for the client's system."""

from __future__ import annotations

import asyncio
from typing import Final

from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from api.kit.feeds.session import Sending

ABNORMAL_CLOSURE: Final = 1006
"""The code of RFC 6455 for a connection that was lost without a closing message."""


class MessageSender:
    """Sends messages of several tasks in the order in which they ask.

    A subscription that waits here takes no events from its session, so that their number stays bounded there.

    Attributes:
        sending: Measures how long the client's system takes to accept a message.
    """

    def __init__(self, websocket: WebSocket, sending: Sending) -> None:
        self.sending = sending
        self._websocket = websocket
        self._lock = asyncio.Lock()

    async def send(self, text: str) -> None:
        """Send a message.

        Raises:
            WebSocketDisconnect: when the connection is lost.
        """
        async with self._lock:
            if self._websocket.application_state is WebSocketState.DISCONNECTED:  # an earlier message found out
                raise WebSocketDisconnect(ABNORMAL_CLOSURE)
            self.sending.since_s = asyncio.get_running_loop().time()
            try:
                await self._websocket.send_text(text)
            finally:
                self.sending.since_s = None
