"""A load client that costs less than the server: hand-written HTTP/1.1 over kept connections.

Open loop: requests are due at fixed times, whether or not earlier ones were answered, so that a slow answer shows up as
latency instead of slowing the load down (no coordinated omission).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import urlsplit


class Connection:
    """One kept connection; one request at a time."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, url: str) -> Self:
        """Connect to the server of a URL."""
        parts = urlsplit(url)
        return cls(*await asyncio.open_connection(parts.hostname, parts.port))

    async def post(self, path: str, body: bytes, headers: str) -> tuple[int, bytes]:
        """Status and body of the answer; `headers` are whole lines, each with its line end."""
        head = f"POST {path} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n{headers}"
        self._writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        answer = await self._reader.readuntil(b"\r\n\r\n")
        return int(answer[9:12]), await self._reader.readexactly(content_length(answer))

    async def close(self) -> None:
        """Close the connection."""
        self._writer.close()
        await self._writer.wait_closed()


def content_length(head: bytes) -> int:
    """Bytes of the body that follows a head.

    Raises:
        ValueError: when the head does not say.
    """
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.partition(b":")[2])
    raise ValueError(f"an answer without a length: {head!r}")


@dataclass
class Load:
    """What came of a load: seconds it took, answers by status, latency of each request from when it was due."""

    seconds: float = 0.0
    statuses: dict[int, int] = field(default_factory=dict)
    latencies_s: list[float] = field(default_factory=list)

    @property
    def accepted(self) -> int:
        """Requests answered with 202."""
        return self.statuses.get(202, 0)

    def note(self, status: int, latency_s: float) -> None:
        """Count an answer."""
        self.statuses[status] = self.statuses.get(status, 0) + 1
        self.latencies_s.append(latency_s)


async def closed_loop(url: str, path: str, bodies: Iterable[bytes], headers: str, *, connections: int) -> Load:
    """Sends all bodies as fast as the answers come, over some connections."""
    load, waiting = Load(), iter(bodies)

    async def worker() -> None:
        connection = await Connection.open(url)
        for body in waiting:
            begun = time.perf_counter()
            status, _ = await connection.post(path, body, headers)
            load.note(status, time.perf_counter() - begun)
        await connection.close()

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
    """Sends the n-th body when it is due; `on_accepted` gets its number and the time of its answer."""
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
        await connection.close()

    await asyncio.gather(*(worker() for _ in range(connections)))
    load.seconds = time.perf_counter() - first
    return load
