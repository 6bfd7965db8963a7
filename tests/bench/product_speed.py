"""(b) The product's path: fills that wait in the topic, until every table that they change is committed."""

import asyncio
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from deploy import process
from streams.log import Log
from tests.bench.figures import Figure, figure
from tests.bench.fill_load import bodies, headers, made_fills
from tests.bench.http_load import closed_loop
from tests.bench.machine import cpu_seconds
from tests.e2e.drained import all_processed, processed
from tests.e2e.pipeline import Pipeline

USERS = 300
BATCH = 500
POLL_S = 0.02
DEADLINE_S = 600.0


@dataclass(frozen=True)
class ProductRun:
    """`fills` were processed in `wall_s`; all workers spent `cpu_s` of a core, the server `server_cpu_s`."""

    fills: int
    wall_s: float
    cpu_s: float
    server_cpu_s: float


@dataclass(frozen=True)
class ProductSpeed:
    """Several runs with a number of workers."""

    workers: int
    runs: tuple[ProductRun, ...]

    @property
    def per_second(self) -> Figure:
        return figure([run.fills / run.wall_s for run in self.runs])

    @property
    def per_cpu_second(self) -> Figure:
        return figure([run.fills / run.cpu_s for run in self.runs])

    @property
    def server_us(self) -> Figure:
        return figure([1e6 * run.server_cpu_s / run.fills for run in self.runs])


def measure_product(*, workers: int, fills: int, warm_up: int, runs: int, seed: int) -> ProductSpeed:
    """Fills the topic through the ingress, then starts the workers; measures after the first `warm_up` fills."""
    return ProductSpeed(workers, tuple(_run(workers, fills, warm_up, seed + number) for number in range(runs)))


def _run(workers: int, fills: int, warm_up: int, seed: int) -> ProductRun:
    load = bodies(made_fills(fills + warm_up, users=USERS, seed=seed), BATCH)
    with tempfile.TemporaryDirectory() as directory, Pipeline(Path(directory), workers=0) as pipeline:
        pipeline.wait_until_listening()
        token = pipeline.token("venue", "venue-1")
        posted = asyncio.run(closed_loop(pipeline.url, "/v1/fills", load, headers(token), connections=1))
        assert posted.accepted == len(load), posted.statuses
        children = [pipeline.start_worker().popen for _ in range(workers)]
        return asyncio.run(_measure(pipeline, children, fills, warm_up))


async def _measure(pipeline: Pipeline, workers: list[process.Child], fills: int, warm_up: int) -> ProductRun:
    pids = [worker.pid for worker in workers]
    async with Log(pipeline.server.url) as log:
        deadline = time.monotonic() + DEADLINE_S
        while (done := await processed(log)) < warm_up:
            await _look_again(pipeline, deadline)
        begun, cpu, server = time.monotonic(), sum(map(cpu_seconds, pids)), cpu_seconds(pipeline.server.pid)
        while not await all_processed(log):
            await _look_again(pipeline, deadline)
        wall = time.monotonic() - begun
        spent = sum(map(cpu_seconds, pids)) - cpu
        return ProductRun(fills + warm_up - done, wall, spent, cpu_seconds(pipeline.server.pid) - server)


async def _look_again(pipeline: Pipeline, deadline: float) -> None:
    if time.monotonic() > deadline or any(worker.exit_code is not None for worker in pipeline.workers):
        raise RuntimeError("the workers did not finish:\n" + "\n".join(one.last_words() for one in pipeline.workers))
    await asyncio.sleep(POLL_S)
