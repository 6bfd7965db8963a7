"""Clients without a token who open all they can: feeds, read or not, and requests that they never finish."""

from __future__ import annotations

import asyncio
import socket
import time
from collections import Counter
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

SLOW_RECEIVE_BYTES = 4_096
AT_ONCE = 50
STATUS_TIMEOUT_S = 60.0
FEED = b"GET /v1/feed/progress HTTP/1.1\r\nHost: bench\r\n\r\n"
UNFINISHED = {
    "idle": b"",
    "half a head": b"GET /v1/feed/progress HTTP/1.1\r\nHost: be",
    "half a body": b"POST /v1/trades HTTP/1.1\r\nHost: bench\r\nContent-Length: 100\r\n\r\n{",
}
"""What a client sends that then sends nothing more."""


def address(number: int) -> str:
    """Return one of the many addresses of the loopback network."""
    return f"127.1.{number // 250}.{1 + number % 250}"


@dataclass
class Crowd:
    """Open connections. `statuses` counts the answers to those that asked for a feed."""

    url: str
    statuses: Counter[int] = field(default_factory=Counter)
    connections: list[socket.socket] = field(default_factory=list)
    _reading: list[asyncio.Task[None]] = field(default_factory=list)

    async def follow(self, feeds: int, per_address: int, slow_share: float) -> None:
        """Ask for feeds, from as many addresses as needed. Some clients read nothing after the status."""
        slow_every = int(1 / slow_share)
        await self._in_groups(
            [self._feed(address(number // per_address), slow=number % slow_every == 0) for number in range(feeds)]
        )

    async def linger(self, each: int, per_address: int) -> None:
        """Open connections of each unfinished kind, from addresses of their own."""
        first = 200
        texts = [text for text in UNFINISHED.values() for _ in range(each)]
        await self._in_groups(
            [self._send(address(first + number // per_address), text) for number, text in enumerate(texts)]
        )

    async def _in_groups(self, openings: Sequence[Coroutine[Any, Any, object]]) -> None:
        for start in range(0, len(openings), AT_ONCE):
            await asyncio.gather(*openings[start : start + AT_ONCE])

    async def _send(self, source: str, text: bytes, *, receive_bytes: int = 0) -> socket.socket:
        connection = await connected(self.url, source, receive_bytes=receive_bytes)
        self.connections.append(connection)
        await asyncio.get_running_loop().sock_sendall(connection, text)
        return connection

    async def _feed(self, source: str, *, slow: bool) -> None:
        connection = await self._send(source, FEED, receive_bytes=SLOW_RECEIVE_BYTES if slow else 0)
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(STATUS_TIMEOUT_S):
            try:
                head = await loop.sock_recv(connection, 512)
            except ConnectionError:
                head = b""
        self.statuses[int(head[9:12] or b"0")] += 1
        if not slow and head[9:12] == b"200":
            self._reading.append(asyncio.create_task(_read(connection)))

    def closed(self, last: int) -> int:
        """Return how many of the last connections the server has closed."""
        return sum(_is_closed(connection) for connection in self.connections[-last:])

    async def leave(self) -> None:
        """Close everything."""
        for task in self._reading:
            task.cancel()
        await asyncio.gather(*self._reading, return_exceptions=True)
        for connection in self.connections:
            connection.close()


async def connected(url: str, source: str, *, receive_bytes: int = 0) -> socket.socket:
    """Connect from an address."""
    parts, connection = urlsplit(url), socket.socket()
    if receive_bytes:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
    connection.setblocking(False)
    connection.bind((source, 0))
    await asyncio.get_running_loop().sock_connect(connection, (str(parts.hostname), int(parts.port or 0)))
    return connection


async def _read(connection: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    while await loop.sock_recv(connection, 65_536):
        pass


def _is_closed(connection: socket.socket) -> bool:
    try:
        while connection.recv(65_536):
            pass
    except BlockingIOError:
        return False
    except ConnectionError:
        return True
    return True


async def endless_header(url: str, limit_bytes: int) -> tuple[int, float]:
    """Send one header line until the server answers; return the bytes sent and the seconds until the answer."""
    loop, begun, sent = asyncio.get_running_loop(), time.perf_counter(), 0
    connection = await connected(url, address(999))
    answer = asyncio.create_task(loop.sock_recv(connection, 512))
    await loop.sock_sendall(connection, b"GET /healthz HTTP/1.1\r\nHost: bench\r\nX-Long: ")
    try:
        while not answer.done() and sent < limit_bytes:
            await loop.sock_sendall(connection, b"x" * 65_536)
            sent += 65_536
            await asyncio.sleep(0)
    except ConnectionError:
        pass
    assert (await answer)[9:12] == b"431"
    seconds = time.perf_counter() - begun
    connection.close()
    return sent, seconds
