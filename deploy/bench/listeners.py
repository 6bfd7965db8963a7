"""Subscribers of the live feed: those that read and note when they were told of what, and slow ones beside them."""

from __future__ import annotations

import asyncio
import re
import socket
import time
from dataclasses import dataclass
from functools import partial
from typing import cast
from urllib.parse import urlsplit

CONNECT_AT_ONCE = 50
SLOW_RECEIVE_BYTES = 4_096
SLOW_EVERY_S = 1.0
SNAPSHOT_END = b'"last":true'
WATCHED = re.compile(rb'"user_id":"watched-(\d+)"')


@dataclass(frozen=True)
class Audience:
    """Who listens to what of the progress feed: everybody to all of it, or each to users of its own; and who is slow.

    Or everybody watches the top of one board. Of the slow ones, half read nothing and half read 4 KiB each second; they
    listen to everything.
    """

    subscribers: int
    own: bool
    slow: int
    board: bool = False

    def users(self, subscriber: int, changes: int) -> range:
        """Numbers of the users that a subscriber listens to."""
        return range(subscriber, changes, self.subscribers) if self.own else range(changes)

    def path(self, subscriber: int, changes: int) -> str:
        """What a subscriber asks for."""
        if self.board:
            return "/v1/feed/boards?board=volume&period=all"
        users = self.users(subscriber, changes) if self.own else ()
        return "/v1/feed/progress?" + "&".join(f"user=watched-{user}" for user in users)


class Listener(asyncio.Protocol):
    """One subscriber: notes when it was told first of each watched user."""

    def __init__(self, request: bytes, wanted: range) -> None:
        self.heard: dict[int, float] = {}
        self.current = asyncio.Event()
        self.transport: asyncio.Transport | None = None
        self._request = request
        self.wanted = wanted
        self.done = asyncio.Event()
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the feed."""
        self.transport = cast("asyncio.Transport", transport)
        self.transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        """Note who is told of."""
        now = time.perf_counter()
        data = self._rest + data
        end = data.rfind(b"\n") + 1
        self._rest = data[end:]
        for user in WATCHED.findall(data, 0, end):
            self.heard.setdefault(int(user), now)
        if len(self.heard) >= len(self.wanted):
            self.done.set()
        if SNAPSHOT_END in data:
            self.current.set()

    def delays(self, accepted: dict[int, float]) -> list[float]:
        """Seconds from accepted to told, of each change that it was told of."""
        return [max(0.0, self.heard[user] - accepted[user]) for user in self.wanted if user in self.heard]


async def listen(url: str, audience: Audience, changes: int) -> list[Listener]:
    """All subscribers, each with its snapshot."""
    loop, parts, found = asyncio.get_running_loop(), urlsplit(url), []
    for number in range(audience.subscribers):
        request = f"GET {audience.path(number, changes)} HTTP/1.1\r\nHost: bench\r\n\r\n".encode()
        listener = Listener(request, audience.users(number, changes))
        await loop.create_connection(partial(_same, listener), str(parts.hostname), int(parts.port or 0))
        found.append(listener)
        if len(found) % CONNECT_AT_ONCE == 0:
            await listener.current.wait()
    for listener in found:
        await listener.current.wait()
    return found


def _same(listener: Listener) -> Listener:
    return listener


async def listen_slowly(url: str) -> socket.socket:
    """A subscriber to everything whose system takes in little."""
    parts, connection = urlsplit(url), socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SLOW_RECEIVE_BYTES)
    connection.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(connection, (str(parts.hostname), int(parts.port or 0)))
    await loop.sock_sendall(connection, b"GET /v1/feed/progress HTTP/1.1\r\nHost: bench\r\n\r\n")
    return connection


async def dawdle(connection: socket.socket) -> None:
    """Read a little now and then."""
    loop, received = asyncio.get_running_loop(), b"at first"
    while received:
        received = await loop.sock_recv(connection, SLOW_RECEIVE_BYTES)
        await asyncio.sleep(SLOW_EVERY_S)
