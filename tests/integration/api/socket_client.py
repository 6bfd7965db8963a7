"""A hand-written client of `/v1/ws` for tests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import httpx
import orjson
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from streams.times import Instant
from streams.units import Usd
from tables.gamification import GAMIFICATION_PROGRESS, Progress
from tables.trading import Portfolio

TABLE = GAMIFICATION_PROGRESS.name
TIMEOUT_S = 10.0

Message = dict[str, Any]


def progress(xp: int) -> Progress:
    return Progress(xp=xp, max_leverage=10)


def portfolio(balance: int = 0) -> Portfolio:
    return Portfolio(practice_balance=Usd.of(balance), updated_at=Instant(0))


class Client:
    """A hand-written client of the socket."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.received: list[Message] = []
        self._passed_over: list[Message] = []

    async def send(self, kind: str, **members: Any) -> None:
        await self.connection.send(orjson.dumps({"type": kind, **members}).decode())

    async def until(self, wanted: Callable[[Message], bool]) -> Message:
        """Return the first message that is wanted and was not returned before."""
        for message in filter(wanted, self._passed_over):
            self._passed_over.remove(message)
            return message
        async with asyncio.timeout(TIMEOUT_S):
            while not wanted(message := await self._next()):
                self._passed_over.append(message)
        return message

    async def _next(self) -> Message:
        message: Message = orjson.loads(await self.connection.recv())
        self.received.append(message)
        return message

    async def until_type(self, kind: str) -> Message:
        return await self.until(lambda message: message["type"] == kind)

    async def until_row(self, subscription: str, user: str, xp: int) -> Message:
        return await self.until(
            lambda m: (
                m.get("subscription") == subscription
                and any(row["user_id"] == user and row["xp"] == xp for row in m.get("data", {}).get("rows", ()))
            )
        )

    async def until_current(self, subscription: str) -> Message:
        return await self.until(
            lambda m: m.get("subscription") == subscription and m.get("data", {}).get("last") is True
        )

    async def closed(self) -> tuple[int | None, str | None]:
        """Read until the socket is closed; return the code and the reason."""
        async with asyncio.timeout(TIMEOUT_S):
            with suppress(ConnectionClosed):
                while True:
                    await self._next()
        return self.connection.close_code, self.connection.close_reason


@asynccontextmanager
async def opened(server: httpx.AsyncClient, **options: Any) -> AsyncIterator[Client]:
    async with connect(url_of(server), proxy=None, **options) as connection:
        yield Client(connection)


def url_of(server: httpx.AsyncClient) -> str:
    return str(server.base_url.copy_with(scheme="ws", path="/v1/ws"))
