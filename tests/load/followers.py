"""A process of subscribers: they follow the progress of all users, and note when each user's first row of a step came.

Run as `python -m tests.load.followers URL STREAMS SOCKETS`. A line of input with a path ends a step: what was seen
since the step before is written there. It ends with its input.
"""

# ruff: noqa: T201 - its output is read by the harness

from __future__ import annotations

import asyncio
import re
import sys
import time
from pathlib import Path
from typing import Final, Literal
from urllib.parse import urlsplit

import uvloop
from websockets.asyncio.client import connect

from tests.load.messages import Seen, write

USER: Final = re.compile(rb'"user_id":"([^"]+)"')
SNAPSHOT_END: Final = b'"last":true'
LINE_BYTES_MAX: Final = 64 * 1024 * 1024


class Notes:
    """The first row of each user that each subscriber got."""

    def __init__(self) -> None:
        self._first: dict[tuple[int, str], Seen] = {}

    def note(self, subscriber: int, transport: Literal["sse", "websocket"], message: bytes) -> None:
        """Note the users in a message."""
        now = time.monotonic()
        for found in USER.findall(message):
            user = found.decode()
            if (subscriber, user) not in self._first:
                self._first[subscriber, user] = Seen(subscriber, transport, user, now)

    def take(self) -> list[Seen]:
        """Return everything, and begin anew."""
        found, self._first = list(self._first.values()), {}
        return found


async def stream(url: str, subscriber: int, notes: Notes, current: asyncio.Event) -> None:
    """Follow by server-sent events."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port, limit=LINE_BYTES_MAX)
    writer.write(b"GET /v1/feed/progress HTTP/1.1\r\nHost: load\r\n\r\n")
    while line := await reader.readline():
        if current.is_set():
            notes.note(subscriber, "sse", line)
        elif SNAPSHOT_END in line:
            current.set()
    raise ConnectionError(f"the server ended the stream of subscriber {subscriber}")


async def socket(url: str, subscriber: int, notes: Notes, current: asyncio.Event) -> None:
    """Follow over a WebSocket."""
    address = url.replace("http", "ws", 1) + "/v1/ws"
    async with connect(address, proxy=None, compression=None, max_size=LINE_BYTES_MAX) as connection:
        await connection.send('{"type":"subscribe","subscription":"all","feed":"progress"}')
        async for message in connection:
            text = message.encode() if isinstance(message, str) else message
            if current.is_set():
                notes.note(subscriber, "websocket", text)
            elif SNAPSHOT_END in text:
                current.set()
    raise ConnectionError(f"the server closed the socket of subscriber {subscriber}")


async def serve(url: str, streams: int, sockets: int) -> None:
    """Follow until the input ends."""
    notes, loop = Notes(), asyncio.get_running_loop()
    async with asyncio.TaskGroup() as following:
        tasks = []
        for subscriber in range(streams + sockets):
            follow, current = stream if subscriber < streams else socket, asyncio.Event()
            tasks.append(following.create_task(follow(url, subscriber, notes, current)))
            await current.wait()
        print("ready", flush=True)
        while line := await loop.run_in_executor(None, sys.stdin.readline):
            write(Path(line.strip()), notes.take())
            print("done", flush=True)
        for task in tasks:
            task.cancel()


if __name__ == "__main__":
    uvloop.run(serve(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
