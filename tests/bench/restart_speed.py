"""(c) How long a partition stands still when a worker is stopped, started or killed."""

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from deploy import process
from deploy.embedded import EmbeddedServer
from streams.log import Log, TopicSpec
from tables.workers import workers
from tests.bench.figures import Figure, figure
from tests.bench.watch import Watch

ROOT = Path(__file__).parents[2]
TOPIC = "work"
PARTITIONS = 4
WORKERS = 3
GRACE_S = 30.0
DEADLINE_S = 60.0
POLL_S = 0.01


@dataclass(frozen=True)
class RestartSpeed:
    """The longest pause of any partition, in milliseconds: at each planned stop, and at each start."""

    stop_ms: Figure
    start_ms: Figure


@dataclass(frozen=True)
class FailoverSpeed:
    """Milliseconds from a kill until every partition commits again, and what of that is over the lease."""

    total_ms: Figure
    over_lease_ms: Figure


@dataclass
class Fleet:
    """Worker processes of the measured app."""

    log: Log
    group: str
    environment: dict[str, str]
    directory: Path
    running: dict[str, process.Child] = field(default_factory=dict)

    def start(self, name: str) -> None:
        """Start a worker; the same name finds its local tables again."""
        env = self.environment | {"BENCH_DATA": str(self.directory / name)}
        with (self.directory / f"{name}.log").open("ab") as output:
            self.running[name] = process.spawn([sys.executable, "-m", "tests.bench.pause_app"], env=env, output=output)

    async def ready(self) -> None:
        """Wait until all that run are in one generation with their tables recovered."""
        deadline = time.monotonic() + DEADLINE_S
        while True:
            group = await workers(self.log, self.group)
            if group.ready and len(group.alive) == len(self.running):
                return
            if time.monotonic() > deadline or any(child.poll() is not None for child in self.running.values()):
                raise RuntimeError("the workers did not come up:\n" + self.last_words())
            await asyncio.sleep(POLL_S)

    def last_words(self) -> str:
        """The end of every worker's log."""
        return "\n".join(path.read_text(errors="replace")[-2000:] for path in sorted(self.directory.glob("*.log")))


def measure_restarts(server: EmbeddedServer, *, rounds: int, standbys: int = 0) -> RestartSpeed:
    """Stops and starts each of three workers in turn, `rounds` times over."""
    return asyncio.run(_restarts(server, rounds, standbys))


def measure_failover(server: EmbeddedServer, *, rounds: int, lease_s: float, standbys: int = 0) -> FailoverSpeed:
    """Kills one of three workers, waits until its partitions commit again, and starts it anew, `rounds` times."""
    return asyncio.run(_failover(server, rounds, lease_s, standbys))


async def _restarts(server: EmbeddedServer, rounds: int, standbys: int) -> RestartSpeed:
    stops, starts = [], []
    async with _fleet(server, 10.0, standbys) as (fleet, watch):
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
            stops.append(1000 * watch.longest_s(begun, stopped))
            starts.append(1000 * watch.longest_s(stopped, started))
    return RestartSpeed(figure(stops), figure(starts))


async def _failover(server: EmbeddedServer, rounds: int, lease_s: float, standbys: int) -> FailoverSpeed:
    totals = []
    async with _fleet(server, lease_s, standbys) as (fleet, watch):
        for name in (sorted(fleet.running) * rounds)[:rounds]:
            killed = time.monotonic()
            process.kill(fleet.running.pop(name))
            await asyncio.sleep(lease_s / 2)  # what it had under way is over: whatever commits now is another's
            await watch.moved(time.monotonic())
            totals.append(1000 * (time.monotonic() - killed))
            fleet.start(name)
            await fleet.ready()
            await watch.moved(time.monotonic())
    return FailoverSpeed(figure(totals), figure([total - 1000 * lease_s for total in totals]))


@asynccontextmanager
async def _fleet(server: EmbeddedServer, lease_s: float, standbys: int) -> AsyncIterator[tuple[Fleet, Watch]]:
    group = f"bench-pause-{os.getpid()}-{time.monotonic_ns()}"
    environment = os.environ | {
        "BENCH_APP": group,
        "BENCH_URL": server.url,
        "BENCH_NAMESPACE": group,
        "BENCH_TOPIC": TOPIC,
        "BENCH_PARTITIONS": str(PARTITIONS),
        "BENCH_LEASE_S": str(lease_s),
        "BENCH_STANDBYS": str(standbys),
        "PYTHONPATH": str(ROOT),
    }
    with tempfile.TemporaryDirectory() as text:
        async with Log(server.url, group) as log:
            await log.create_topic(TopicSpec(TOPIC, PARTITIONS))
            fleet = Fleet(log, group, environment, Path(text))
            try:
                for number in range(1, WORKERS + 1):
                    fleet.start(f"w{number}")
                await fleet.ready()
                async with Watch(log, group, TOPIC, PARTITIONS) as watch:
                    await watch.moved(time.monotonic())
                    yield fleet, watch
            finally:
                for child in fleet.running.values():
                    process.kill(child)
                await log.redis.flushdb()
