"""The client processes of a run: generators that send requests, and one process of subscribers."""

from __future__ import annotations

import asyncio
import itertools
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Self

import msgspec

from tests.load.messages import Order, Outcome, Planned, Seen, read, write
from tests.source import PYTHON_PATH

START_S = 120.0
STEP_S = 600.0


class ClientProcess:
    """A Python module that answers each line of its input with a line. It ends when its input does."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.pid = process.pid
        self._process = process

    @classmethod
    async def started(cls, module: str, *arguments: str) -> Self:
        """Start a module, and wait until it is ready."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", module, *arguments),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": PYTHON_PATH},
        )
        self = cls(process)
        await self._line(START_S)
        return self

    async def ask(self, line: str) -> None:
        """Send a line, and wait for the answer."""
        assert self._process.stdin is not None
        self._process.stdin.write(line.encode() + b"\n")
        await self._line(STEP_S)

    async def end(self) -> None:
        """End the input, and wait for the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        await self._process.wait()

    async def _line(self, within_s: float) -> None:
        assert self._process.stdout is not None
        async with asyncio.timeout(within_s):
            if not await self._process.stdout.readline():
                raise ChildProcessError(f"client process {self.pid} ended with {await self._process.wait()}")


class Clients:
    """All client processes. `start` starts them, and the end of `async with` ends them."""

    def __init__(self, url: str, directory: Path, *, generators: int, streams: int, sockets: int) -> None:
        self._url, self._directory = url, directory
        self._generators_wanted, self._streams, self._sockets = generators, streams, sockets
        self._generators: list[ClientProcess] = []
        self._followers: ClientProcess
        self._numbers = itertools.count()

    async def start(self) -> None:
        """Start all processes; they inherit the scheduling of this one."""
        self._directory.mkdir(parents=True, exist_ok=True)
        for _ in range(self._generators_wanted):
            self._generators.append(await ClientProcess.started("tests.load.generator", self._url))
        counts = str(self._streams), str(self._sockets)
        self._followers = await ClientProcess.started("tests.load.followers", self._url, *counts)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for client in (*self._generators, self._followers):
            await client.end()

    def pids(self) -> dict[str, int]:
        """Return the process ids by name."""
        found = {f"generator-{number}": one.pid for number, one in enumerate(self._generators, 1)}
        return {**found, "subscribers": self._followers.pid}

    async def send(self, planned: Sequence[Planned], begin_s: float) -> list[Outcome]:
        """Let the generators send the requests in turn; return what became of them, by number."""
        count, number = len(self._generators), next(self._numbers)
        outs = [self._directory / f"outcomes-{number}-{one}" for one in range(count)]
        orders = []
        for one, out in enumerate(outs):
            plan = self._directory / f"plan-{number}-{one}"
            write(plan, list(planned[one::count]))
            orders.append(msgspec.json.encode(Order(str(plan), str(out), begin_s)).decode())
        await asyncio.gather(*(one.ask(order) for one, order in zip(self._generators, orders, strict=True)))
        return sorted((outcome for out in outs for outcome in read(out, Outcome)), key=lambda one: one.number)

    async def seen(self) -> list[Seen]:
        """Return what the subscribers saw since the last call."""
        out = self._directory / f"seen-{next(self._numbers)}"
        await self._followers.ask(str(out))
        return read(out, Seen)
