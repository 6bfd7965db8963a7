"""The socket of the client without a server: what a server cannot time so exactly."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from astratrade_client.changes import FeedState
from astratrade_client.credentials import FixedToken
from astratrade_client.retry import Retry
from astratrade_client.socket import Socket, Subscription


class Connection:
    """A connection that delivers what the test puts."""

    def __init__(self) -> None:
        self.messages: asyncio.Queue[str] = asyncio.Queue()

    async def recv(self) -> str:
        return await self.messages.get()

    async def send(self, _message: str) -> None:
        """Take a message."""


@pytest.mark.parametrize("turns", range(5))
async def test_a_client_closes_that_gets_a_message_at_the_same_moment(turns: int) -> None:
    socket, connection = Socket("http://nowhere", FixedToken(None), Retry()), Connection()
    subscription = Subscription("progress", {}, FeedState())
    socket._subscriptions = {"1": subscription}
    serving: Any = socket._serve(connection, socket._retry.begin())  # type: ignore[arg-type]
    socket._running = asyncio.create_task(serving)
    await asyncio.sleep(0.01)
    connection.messages.put_nowait('{"type": "mark"}')
    for _ in range(turns):
        await asyncio.sleep(0)
    async with asyncio.timeout(5):
        await socket.close()
