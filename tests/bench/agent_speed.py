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

ROOT = Path(__file__).parents[2]
TOPIC = "bench"
PARTITIONS = 4
POLL_S = 0.005
DEADLINE_S = 180.0


@dataclass(frozen=True)
class Agent:
    """What is measured: an agent `stateless` or with a `table`, its store, and events before and in the measurement."""

    kind: str
    store: str
    events: int
    warm_up: int


@dataclass(frozen=True)
class AgentRun:
    """Seconds from the end of the warm-up to the last commit, and what worker and server spent of a core meanwhile."""

    wall_s: float
    cpu_s: float
    server_cpu_s: float


@dataclass(frozen=True)
class AgentSpeed:
    """Several runs of one agent."""

    agent: Agent
    runs: tuple[AgentRun, ...]

    @property
    def per_second(self) -> Figure:
        return figure([self.agent.events / run.wall_s for run in self.runs])

    @property
    def per_cpu_second(self) -> Figure:
        """Events for each second that the worker spent on a core: what one core does when it waits for nothing."""
        return figure([self.agent.events / run.cpu_s for run in self.runs])

    @property
    def server_us(self) -> Figure:
        """The server's CPU microseconds for each event."""
        return figure([1e6 * run.server_cpu_s / self.agent.events for run in self.runs])


def measure_agent(server: EmbeddedServer, agent: Agent, *, runs: int, seed: int) -> AgentSpeed:
    """Runs the worker several times, each on a topic and with a seed of its own."""
    return AgentSpeed(agent, tuple(_run(server, agent, seed + number) for number in range(runs)))


def _run(server: EmbeddedServer, agent: Agent, seed: int) -> AgentRun:
    name = f"bench-{agent.kind}-{seed}-{os.getpid()}"
    asyncio.run(_fill(server.url, name, agent, seed))
    with tempfile.TemporaryDirectory() as text:
        directory = Path(text)
        with (directory / "log").open("wb") as output:
            env = _environment(server.url, name, agent, directory)
            worker = process.spawn([sys.executable, "-m", "tests.bench.counter_app"], env=env, output=output)
        try:
            return asyncio.run(_Measurement(server, worker, directory, name).run())
        finally:
            process.stop(worker, 10.0)
            asyncio.run(_empty(server.url, name))


async def _fill(url: str, name: str, agent: Agent, seed: int) -> None:
    async with Log(url, name) as log:
        await preload(log, TOPIC, PARTITIONS, agent.warm_up + agent.events, seed)


async def _empty(url: str, name: str) -> None:
    async with Log(url, name) as log:
        await log.redis.flushdb()


@dataclass(frozen=True)
class _Measurement:
    server: EmbeddedServer
    worker: process.Child
    directory: Path
    group: str

    async def run(self) -> AgentRun:
        async with Log(self.server.url, self.group) as log:
            end = sum((await log.ends(TOPIC)).values())
            deadline = time.monotonic() + DEADLINE_S
            server_begun = 0.0
            while await self._committed(log) < end:
                self._check(deadline)
                if not server_begun and self._noted.exists():
                    server_begun = cpu_seconds(self.server.pid)
                await asyncio.sleep(POLL_S)
        wall, cpu = time.monotonic(), cpu_seconds(self.worker.pid)
        begun = json.loads(self._noted.read_text())
        return AgentRun(wall - begun["wall"], cpu - begun["cpu"], cpu_seconds(self.server.pid) - server_begun)

    @property
    def _noted(self) -> Path:
        return self.directory / "out"

    async def _committed(self, log: Log) -> int:
        return sum(offset for tp, offset in (await log.committed(self.group)).items() if tp.topic == TOPIC)

    def _check(self, deadline: float) -> None:
        if self.worker.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"the worker did not finish:\n{(self.directory / 'log').read_text()[-3000:]}")


def _environment(url: str, name: str, agent: Agent, directory: Path) -> dict[str, str]:
    bench = {
        "BENCH_URL": url,
        "BENCH_NAMESPACE": name,
        "BENCH_APP": name,
        "BENCH_TOPIC": TOPIC,
        "BENCH_PARTITIONS": str(PARTITIONS),
        "BENCH_DATA": str(directory),
        "BENCH_STORE": agent.store,
        "BENCH_KIND": agent.kind,
        "BENCH_WARM_UP": str(agent.warm_up),
        "BENCH_OUT": str(directory / "out"),
        "PYTHONPATH": str(ROOT),
    }
    return {**os.environ, **bench}
