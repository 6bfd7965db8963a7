"""Requests to the gateway over some persistent connections. A request without an answer is sent again."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, TypeVar

from tests.bench.http_load import Connection

CONNECTIONS = 24
RETRY_S = 0.05
ANSWER_S = 30.0
GIVE_UP_S = 300.0
AGAIN = frozenset({HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS})
"""Answers after which a request is sent again."""

ItemT = TypeVar("ItemT")
AnswerT = TypeVar("AnswerT")


class GatewayAwayError(Exception):
    """The gateway has not answered for too long."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request. With an idempotency key it may be sent again whatever became of it."""

    method: str
    path: str
    token: str = ""
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)

    def lines(self) -> str:
        """Return the lines of its head that are its own."""
        named = {**self.headers, **({"Authorization": f"Bearer {self.token}"} if self.token else {})}
        return "".join(f"{name}: {value}\r\n" for name, value in named.items())


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer: its status, and its JSON if it has any."""

    status: int
    json: Any


class Client:
    """Sends requests to one gateway."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._idle: list[Connection] = []
        self._free = asyncio.Semaphore(CONNECTIONS)
        self.sent = 0
        self.repeated = 0

    async def send(self, request: Request) -> Answer:
        """Send a request, and again until it is answered.

        Raises:
            GatewayAwayError: it is not answered in time.
        """
        until = asyncio.get_running_loop().time() + GIVE_UP_S
        async with self._free:
            while True:
                answer = await self._once(request)
                self.sent += 1
                if answer is not None and answer.status not in AGAIN:
                    return answer
                if asyncio.get_running_loop().time() > until:
                    raise GatewayAwayError(f"{request.method} {request.path}: {answer}")
                self.repeated += 1
                await asyncio.sleep(RETRY_S)

    async def _once(self, request: Request) -> Answer | None:
        body = b"" if request.body is None else json.dumps(request.body).encode()
        connection = self._idle.pop() if self._idle else None
        try:
            connection = connection or await Connection.open(self._url)
            async with asyncio.timeout(ANSWER_S):
                status, raw = await connection.request(request.method, request.path, body, request.lines())
        except (OSError, TimeoutError):
            if connection is not None:
                connection.close()
            return None
        self._idle.append(connection)
        return Answer(status, json.loads(raw) if raw else None)

    def close(self) -> None:
        """Close all connections."""
        for connection in self._idle:
            connection.close()
        self._idle.clear()


async def each(items: Sequence[ItemT], do: Callable[[ItemT], Awaitable[AnswerT]]) -> list[AnswerT]:
    """Do something with each item at once, and return the results in the order of the items."""
    return list(await asyncio.gather(*(do(item) for item in items)))
