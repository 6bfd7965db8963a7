"""A generator process: send each request when it is due, whether or not earlier ones were answered.

Run as `python -m tests.load.generator URL`. It reads orders from standard input, one a line, and writes a line when an
order is done. It ends with its input.

No request waits for another: when all connections are busy, the generator opens one more. So a slow answer shows as the
latency of its own request and of those that wait in the server, and never as a thinner load (coordinated omission).
"""

# ruff: noqa: T201 - its output is read by the harness

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

import msgspec
import uvloop

from tests.bench.http_load import Connection
from tests.load.messages import NO_ANSWER, Order, Outcome, Planned, read, write

ANSWER_S = 30.0
"""How long the generator waits for an answer."""
WARM_CONNECTIONS = 16
IDLE_S = 2.0
"""An idle connection is used again within this time only, since the server closes one that is idle for longer."""


class Generator:
    """Sends requests to one server over a pool of connections that grows with the need."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._idle: list[tuple[Connection, float]] = []

    async def warm(self) -> None:
        """Close old connections and open some, before the first request is due."""
        self.close()
        self._idle = [(await Connection.open(self._url), time.monotonic()) for _ in range(WARM_CONNECTIONS)]

    async def run(self, planned: list[Planned], begin_s: float) -> list[Outcome]:
        """Send all requests at their times, and return what became of them."""
        sending: list[asyncio.Task[Outcome]] = []
        for one in planned:
            wait_s = begin_s + one.due_s - time.monotonic()
            if wait_s > 0:
                await asyncio.sleep(wait_s)
            sending.append(asyncio.create_task(self._send(one, begin_s)))
        return list(await asyncio.gather(*sending))

    async def _send(self, one: Planned, begin_s: float) -> Outcome:
        connection, sent_s = None, time.monotonic()
        try:
            connection = self._waiting() or await Connection.open(self._url)
            sent_s = time.monotonic()
            async with asyncio.timeout(ANSWER_S):
                status, body = await connection.exchange(one.raw)
        except (OSError, TimeoutError):
            if connection is not None:
                connection.close()
            return Outcome(one.number, sent_s - begin_s, time.monotonic() - begin_s, NO_ANSWER, b"")
        answered_s = time.monotonic()
        self._idle.append((connection, answered_s))
        return Outcome(one.number, sent_s - begin_s, answered_s - begin_s, status, b"" if one.kind == "read" else body)

    def close(self) -> None:
        """Close all connections that no request uses."""
        for connection, _ in self._idle:
            connection.close()
        self._idle.clear()

    def _waiting(self) -> Connection | None:
        """Return the connection that was used last, if it is still good."""
        while self._idle:
            connection, since = self._idle.pop()
            if connection.is_open and time.monotonic() - since < IDLE_S:
                return connection
            connection.close()
        return None


async def serve(url: str) -> None:
    """Carry out orders until the input ends."""
    generator, loop = Generator(url), asyncio.get_running_loop()
    print("ready", flush=True)
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        order = msgspec.json.decode(line, type=Order)
        await generator.warm()
        outcomes = await generator.run(read(Path(order.plan), Planned), order.begin_s)
        write(Path(order.out), outcomes)
        print("done", flush=True)
    generator.close()


if __name__ == "__main__":
    uvloop.run(serve(sys.argv[1]))
