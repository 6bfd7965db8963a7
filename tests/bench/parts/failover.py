"""Failover: the time from a SIGKILL of one of three workers until every partition commits again."""

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


def measure(options: Parameters) -> Iterator[Result]:
    """Kill one of three workers, wait until its partitions commit again, and start it again."""
    with tempfile.TemporaryDirectory() as directory, EmbeddedServer(Path(directory), find_binary()) as server:
        totals = asyncio.run(_failover(server, options.runs, options.lease, options.standbys))
    yield Result(
        f"one of three workers killed, lease {options.lease:g} s, a heartbeat each {options.lease / 5:g} s, "
        f"{options.standbys} standbys",
        {
            "to commits again ms": figure(totals),
            "over the lease ms": figure([total - MS * options.lease for total in totals]),
        },
    )


async def _failover(server: EmbeddedServer, rounds: int, lease_s: float, standbys: int) -> list[float]:
    totals = []
    async with watched(server, lease_s, standbys) as (fleet, watch):
        for name in (sorted(fleet.running) * rounds)[:rounds]:
            killed = time.monotonic()
            process.kill(fleet.running.pop(name))
            # A commit of the killed worker cannot come after this, so each later commit is another worker's.
            await asyncio.sleep(lease_s / 2)
            await watch.moved(time.monotonic())
            totals.append(MS * (time.monotonic() - killed))
            fleet.start(name)
            await fleet.ready()
            await watch.moved(time.monotonic())
    return totals
