"""Subscriptions that share a lost connection each learn that it is lost."""

from __future__ import annotations

import pytest
from starlette.types import Message
from starlette.websockets import WebSocket, WebSocketDisconnect

from api.kit.feeds.session import Sending
from api.kit.feeds.socket.message_sender import MessageSender


async def received() -> Message:
    return {"type": "websocket.connect"}


async def lost(message: Message) -> None:
    if message["type"] == "websocket.send":
        raise OSError("the client has gone")


async def test_every_subscription_learns_of_a_lost_connection() -> None:
    websocket = WebSocket({"type": "websocket"}, received, lost)
    await websocket.accept()
    sender = MessageSender(websocket, Sending())
    for _ in range(2):
        with pytest.raises(WebSocketDisconnect):
            await sender.send("{}")
    assert sender.sending.since_s is None
