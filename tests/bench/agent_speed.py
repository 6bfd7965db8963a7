"""(a) Events per second through one agent, from a preloaded topic over our driver, until the last is committed."""

import asyncio
import json
import os
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from deploy import process
from deploy.embedded import EmbeddedServer
from streams.log import Log
from tests.bench.figures import Figure, figure
from tests.bench.machine import cpu_seconds
from tests.bench.payload import preload

TOPIC = "bench"
PARTITIONS = 4
POLL_S = 0.005
DEADLINE_S = 180.0


@dataclass(frozen=True)
class AgentRun:
    """One run: events measured, seconds from the end of the warm-up to the last commit, CPU of worker and server."""

    events: int
    wall_s: float
    cpu_s: float
    server_cpu_s: float


@dataclass(frozen=True)
class AgentSpeed:
    """Several runs of one kind of agent."""

    kind: str
    store: str
    runs: tuple[AgentRun, ...]

    @property
    def per_second(self) -> Figure:
        return figure([run.events / run.wall_s for run in self.runs])

    @property
    def per_cpu_second(self) -> Figure:
        """Events for each second that the worker spent on a core."""
        return figure([run.events / run.cpu_s for run in self.runs])

    @property
    def server_us(self) -> Figure:
        return figure([1e6 * run.server_cpu_s / run.events for run in self.runs])


def measure_agent(
    server: EmbeddedServer, *, kind: str, store: str, events: int, warm_up: int, runs: int, seed: int
) -> AgentSpeed:
    """Runs the worker several times, each on a topic of its own."""
    return AgentSpeed(
        kind,
        store,
        tuple(
            asyncio.run(_run(server, kind=kind, store=store, events=events, warm_up=warm_up, seed=seed + number))
            for number in range(runs)
        ),
    )


async def _run(server: EmbeddedServer, *, kind: str, store: str, events: int, warm_up: int, seed: int) -> AgentRun:
    name = f"bench-{kind}-{store.partition(':')[0]}-{seed}-{os.getpid()}"
    async with Log(server.url, name) as log:
        await preload(log, TOPIC, PARTITIONS, warm_up + events, seed)
        with tempfile.TemporaryDirectory() as directory:
            env = _environment(server.url, name, kind, store, warm_up, Path(directory))
            with Path(directory, "log").open("wb") as output:
                worker = process.spawn([sys.executable, "-m", "tests.bench.counter_app"], env=env, output=output)
            try:
                return await _measure(log, worker, server.pid, Path(directory), name, events)
            finally:
                process.stop(worker, 10.0)
                await log.redis.flushdb()


async def _measure(
    log: Log, worker: process.Child, server_pid: int, directory: Path, group: str, events: int
) -> AgentRun:
    deadline = time.monotonic() + DEADLINE_S
    end = sum((await log.ends(TOPIC)).values())
    server_cpu = 0.0
    while await _committed(log, group) < end:
        if worker.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"the worker did not finish:\n{(directory / 'log').read_text()[-3000:]}")
        if not server_cpu and (directory / "out").exists():
            server_cpu = cpu_seconds(server_pid)
        await asyncio.sleep(POLL_S)
    wall, cpu, server_end = time.monotonic(), cpu_seconds(worker.pid), cpu_seconds(server_pid)
    begun = json.loads((directory / "out").read_text())
    return AgentRun(events, wall - begun["wall"], cpu - begun["cpu"], server_end - server_cpu)


async def _committed(log: Log, group: str) -> int:
    return sum(offset for tp, offset in (await log.committed(group)).items() if tp.topic == TOPIC)


def _environment(url: str, name: str, kind: str, store: str, warm_up: int, directory: Path) -> dict[str, str]:
    bench = {
        "BENCH_URL": url,
        "BENCH_NAMESPACE": name,
        "BENCH_APP": name,
        "BENCH_TOPIC": TOPIC,
        "BENCH_PARTITIONS": str(PARTITIONS),
        "BENCH_DATA": str(directory),
        "BENCH_STORE": store,
        "BENCH_KIND": kind,
        "BENCH_WARM_UP": str(warm_up),
        "BENCH_OUT": str(directory / "out"),
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }
    return {**os.environ, **bench}
