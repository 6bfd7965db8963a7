"""Subscribers of the live feed: some read and note when each change arrived, some are slow."""

from __future__ import annotations

import asyncio
import re
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache, partial
from typing import Literal, NamedTuple, cast
from urllib.parse import urlsplit

CONNECT_AT_ONCE = 50
SLOW_RECEIVE_BYTES = 4_096
SLOW_EVERY_S = 1.0
SNAPSHOT_END = b'"last":true'
FIRST_DAY = date(2020, 1, 1)

Watches = Literal["everything", "own", "board", "fees"]


def day(change: int) -> date:
    """Return the UTC day whose fees a change raises; no other change does."""
    return FIRST_DAY + timedelta(days=change)


@cache
def _change(day: bytes) -> int:
    return (date.fromisoformat(day.decode()) - FIRST_DAY).days


class _ChangePattern(NamedTuple):
    """How to find in a row the change that it shows."""

    pattern: re.Pattern[bytes]
    change: Callable[[bytes], int]


OF_USERS = _ChangePattern(re.compile(rb'"user_id":"watched-(\d+)"'), int)
OF_DAYS = _ChangePattern(re.compile(rb'"day":"(\d{4}-\d\d-\d\d)"'), _change)


@dataclass(frozen=True)
class Audience:
    """The subscribers: their feeds, and how many are slow.

    Each fast one listens to all of the progress feed, to users of its own, to the top of one board, or to the fees of
    each day. Half of the slow ones read nothing and half read 4 KiB each second; they listen to all progress.
    """

    subscribers: int
    watches: Watches
    slow: int

    def expected(self, subscriber: int, changes: int) -> range:
        """Return the changes that a subscriber must get."""
        return range(subscriber, changes, self.subscribers) if self.watches == "own" else range(changes)

    def path(self, subscriber: int, changes: int) -> str:
        """Return the path that a subscriber requests."""
        match self.watches:
            case "board":
                return "/v1/feed/boards?board=volume&period=all"
            case "fees":
                return "/v1/feed/fees?day=each"
            case "own":
                users = (f"user=watched-{user}" for user in self.expected(subscriber, changes))
                return "/v1/feed/progress?" + "&".join(users)
            case "everything":
                return "/v1/feed/progress"


class Listener(asyncio.Protocol):
    """A subscriber that notes when it first saw each change."""

    def __init__(self, request: bytes, expected: range, pattern: _ChangePattern) -> None:
        self.received_at: dict[int, float] = {}
        self.current = asyncio.Event()
        self.transport: asyncio.Transport | None = None
        self._request = request
        self.expected = expected
        self._pattern = pattern
        self.done = asyncio.Event()
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the request for the feed."""
        self.transport = cast("asyncio.Transport", transport)
        self.transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        """Note the changes in the received rows."""
        now = time.perf_counter()
        data = self._rest + data
        end = data.rfind(b"\n") + 1
        self._rest = data[end:]
        for found in self._pattern.pattern.findall(data, 0, end):
            self.received_at.setdefault(self._pattern.change(found), now)
        if len(self.received_at) >= len(self.expected):
            self.done.set()
        if SNAPSHOT_END in data:
            self.current.set()

    def delays(self, accepted: dict[int, float]) -> list[float]:
        """Return the seconds from accepted to received, of each change that arrived."""
        return [max(0.0, self.received_at[one] - accepted[one]) for one in self.expected if one in self.received_at]


async def listen(url: str, audience: Audience, changes: int) -> list[Listener]:
    """Connect all subscribers and wait until each has its snapshot."""
    loop, parts, found = asyncio.get_running_loop(), urlsplit(url), []
    kinds = OF_DAYS if audience.watches == "fees" else OF_USERS
    for number in range(audience.subscribers):
        request = f"GET {audience.path(number, changes)} HTTP/1.1\r\nHost: bench\r\n\r\n".encode()
        listener = Listener(request, audience.expected(number, changes), kinds)
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
    """Subscribe to everything with a small receive buffer."""
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
