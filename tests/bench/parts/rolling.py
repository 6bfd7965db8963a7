"""A rolling restart: how long a partition pauses while each of three workers is stopped and started in turn."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from deploy.server import process
from deploy.server.embedded import EmbeddedServer
from deploy.server.server_binary import find_binary
from tests.bench.figures import figure
from tests.bench.parameters import Parameters
from tests.bench.restarts import MS, watched
from tests.bench.result import Result

LEASE_S = 10.0
GRACE_S = 30.0


def measure(options: Parameters) -> Iterator[Result]:
    """Measure the longest pause of any partition at each planned stop, and at each start."""
    with tempfile.TemporaryDirectory() as directory, EmbeddedServer(Path(directory), find_binary()) as server:
        stops, starts = asyncio.run(_restarts(server, options.runs, options.standbys))
    yield Result(
        f"three workers, each restarted {options.runs} times, {options.standbys} standbys",
        {"a stop, pause ms": figure(stops), "a start, pause ms": figure(starts)},
    )


async def _restarts(server: EmbeddedServer, rounds: int, standbys: int) -> tuple[list[float], list[float]]:
    stops, starts = [], []
    async with watched(server, LEASE_S, standbys) as (fleet, watch):
        for name in sorted(fleet.running) * rounds:
            begun = time.monotonic()
            leaving = fleet.running.pop(name)
            process.ask(leaving)
            await asyncio.to_thread(leaving.wait, GRACE_S)
            await fleet.ready()
            stopped = time.monotonic()
            await watch.moved(stopped)
            fleet.start(name)
            await fleet.ready()
            started = time.monotonic()
            await watch.moved(started)
            stops.append(MS * watch.longest_s(begun, stopped))
            starts.append(MS * watch.longest_s(stopped, started))
    return stops, starts
