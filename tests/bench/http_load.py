"""A load client that costs less than the server: hand-written HTTP/1.1 over persistent connections.

Open loop: each request is due at a fixed time, whether or not earlier requests were answered. So a slow answer shows as
latency and does not slow down the load (no coordinated omission).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Self, cast
from urllib.parse import urlsplit

END_OF_HEAD = b"\r\n\r\n"
NO_CONTENT = b"204"


class Connection(asyncio.Protocol):
    """One persistent connection; it carries one request at a time."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._answered: asyncio.Future[tuple[int, bytes]] | None = None
        self._received = bytearray()

    @classmethod
    async def open(cls, url: str) -> Self:
        """Connect to the server of a URL."""
        parts = urlsplit(url)
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(cls, str(parts.hostname), int(parts.port or 0))
        return connection

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Collect an answer until it is whole."""
        self._received += data
        end = self._received.find(END_OF_HEAD) + len(END_OF_HEAD)
        if end < len(END_OF_HEAD) or self._answered is None:
            return
        head = bytes(self._received[:end])
        whole = end + content_length(head)
        if len(self._received) >= whole:
            body, self._received = bytes(self._received[end:whole]), self._received[whole:]
            answered, self._answered = self._answered, None
            answered.set_result((int(head[9:12]), body))

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail the request that waits for an answer, and all later ones."""
        self._transport = None
        if self._answered is not None:
            self._answered.set_exception(exc or ConnectionError("the server closed the connection"))

    async def post(self, path: str, body: bytes, headers: str) -> tuple[int, bytes]:
        """Send a POST request and return status and body; `headers` are whole lines, each with its line end."""
        return await self.request("POST", path, body, headers)

    async def request(self, method: str, path: str, body: bytes, headers: str) -> tuple[int, bytes]:
        """Send a request of any method and return status and body; see `post`."""
        head = f"{method} {path} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n{headers}"
        return await self.exchange(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)

    async def exchange(self, message: bytes) -> tuple[int, bytes]:
        """Send a whole request and return status and body."""
        transport = self._open_transport
        self._answered = asyncio.get_running_loop().create_future()
        transport.write(message)
        return await self._answered

    @property
    def is_open(self) -> bool:
        """Return whether neither side has closed the connection."""
        return self._transport is not None

    def close(self) -> None:
        """Close the connection, unless the server has."""
        if self._transport is not None:
            self._transport.close()

    @property
    def _open_transport(self) -> asyncio.Transport:
        if self._transport is None:
            raise ConnectionError("the connection is not open; use Connection.open")
        return self._transport


def content_length(head: bytes) -> int:
    """Return the number of bytes of the body that follows a head; 0 after status 204, which has none.

    Raises:
        ValueError: when the head does not say.
    """
    if head[9:12] == NO_CONTENT:
        return 0
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.partition(b":")[2])
    raise ValueError(f"an answer without a length: {head!r}")


@dataclass
class Load:
    """The result of a load: its seconds, answers by status, and each request's latency from when it was due."""

    seconds: float = 0.0
    statuses: dict[int, int] = field(default_factory=dict)
    latencies_s: list[float] = field(default_factory=list)

    @property
    def accepted(self) -> int:
        """Return how many requests were answered with 202."""
        return self.statuses.get(202, 0)

    def note(self, status: int, latency_s: float) -> None:
        """Count an answer."""
        self.statuses[status] = self.statuses.get(status, 0) + 1
        self.latencies_s.append(latency_s)


Headers = str | Callable[[int], str]
"""Header lines of every request, or of the n-th."""


async def closed_loop(url: str, path: str, bodies: Iterable[bytes], headers: Headers, *, connections: int) -> Load:
    """Send all bodies as fast as the answers come, over some connections."""
    load, waiting = Load(), iter(enumerate(bodies))

    async def worker() -> None:
        connection = await Connection.open(url)
        for number, body in waiting:
            lines = headers if isinstance(headers, str) else headers(number)
            begun = time.perf_counter()
            status, _ = await connection.post(path, body, lines)
            load.note(status, time.perf_counter() - begun)
        connection.close()

    begun = time.perf_counter()
    await asyncio.gather(*(worker() for _ in range(connections)))
    load.seconds = time.perf_counter() - begun
    return load


async def open_loop(
    url: str,
    path: str,
    bodies: Iterable[bytes],
    headers: str,
    *,
    per_second: float,
    connections: int,
    on_accepted: Callable[[int, float], None] = lambda _number, _at: None,
) -> Load:
    """Send the n-th body when it is due; `on_accepted` gets its number and the time of its answer."""
    load, waiting, first = Load(), iter(enumerate(bodies)), time.perf_counter()

    async def worker() -> None:
        connection = await Connection.open(url)
        for number, body in waiting:
            due = first + number / per_second
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            status, _ = await connection.post(path, body, headers)
            answered = time.perf_counter()
            load.note(status, answered - due)
            on_accepted(number, answered)
        connection.close()

    await asyncio.gather(*(worker() for _ in range(connections)))
    load.seconds = time.perf_counter() - first
    return load
