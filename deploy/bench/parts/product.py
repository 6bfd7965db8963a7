"""The product's path: fills that wait in the topic, until every table that they change is committed."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from deploy.bench.asked import Asked
from deploy.bench.fill_load import bodies, headers, made_fills
from deploy.bench.http_load import closed_loop
from deploy.bench.pipeline import Pipeline
from deploy.bench.processed import all_processed, processed
from deploy.bench.result import Result
from deploy.bench.spent import Meter, Spent, spending
from deploy.errors import DeployError
from streams.log import Log

USERS = 300
BATCH = 500
POLL_S = 0.02
DEADLINE_S = 1_200.0
WARM_UP_SHARE = 10
WORKERS = (1, 2)


def measure(asked: Asked) -> Iterator[Result]:
    """On 1 and 2 workers, or as many as asked for."""
    for workers in asked.workers or WORKERS:
        runs = [_run(workers, asked.fills, max(1, asked.fills // WARM_UP_SHARE), seed) for seed in asked.seeds()]
        yield Result(
            f"topic to committed tables, {workers} worker{'s' * (workers > 1)}, {asked.fills:,} fills",
            spending(runs, what="fills"),
        )


def _run(workers: int, fills: int, warm_up: int, seed: int) -> Spent:
    """Fills the topic through the ingress, then starts the workers; measures after the first `warm_up` fills."""
    with tempfile.TemporaryDirectory() as directory, Pipeline(Path(directory), workers=0) as pipeline:
        post(pipeline, fills + warm_up, seed)
        for number in range(1, workers + 1):
            pipeline.start_worker(f"worker-{number}")
        return asyncio.run(_measure(pipeline, fills, warm_up))


def post(pipeline: Pipeline, fills: int, seed: int) -> None:
    """Send made fills through the ingress.

    Raises:
        DeployError: when it refuses some.
    """
    load = bodies(made_fills(fills, users=USERS, seed=seed), BATCH)
    posted = asyncio.run(closed_loop(pipeline.url, "/v1/fills", load, headers(pipeline.venue_token()), connections=1))
    if posted.accepted != len(load):
        raise DeployError(f"the ingress accepted {posted.accepted} of {len(load)} requests: {posted.statuses}")


async def _measure(pipeline: Pipeline, fills: int, warm_up: int) -> Spent:
    async with Log(pipeline.server.url) as log:
        deadline = time.monotonic() + DEADLINE_S
        while (done := await processed(log)) < warm_up:
            pipeline.check(deadline, "process the first fills")
            await asyncio.sleep(POLL_S)
        meter = Meter([worker.pid for worker in pipeline.workers], pipeline.server.pid).begin()
        await until_processed(pipeline, log, deadline)
        return meter.spent(fills + warm_up - done)


async def until_processed(pipeline: Pipeline, log: Log, deadline: float) -> None:
    """Wait until all that follows from the fills is committed."""
    while not await all_processed(log):
        pipeline.check(deadline, "process all fills")
        await asyncio.sleep(POLL_S)
