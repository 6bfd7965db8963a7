"""Startup: the time from the start of one of the product's workers until it is ready with its tables on disk."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from faust_redis.admin import Admin
from faust_redis.log import Log

from tables.domains import TOPOLOGY
from tests.bench.figures import figure
from tests.bench.fill_load import made_fills
from tests.bench.group_progress import APP_ID
from tests.bench.parameters import Parameters
from tests.bench.parts.product import USERS, post, until_processed
from tests.bench.pipeline import START_S, Pipeline
from tests.bench.resource_usage import cpu_seconds, peak_mib
from tests.bench.result import Result

NAME = "worker-1"
POLL_S = 0.005
IMPORT = (sys.executable, "-P", "-c", "import deploy.run.worker")


def measure(options: Parameters) -> Iterator[Result]:
    """Measure starts of a worker that has processed the fills: each run starts it, awaits readiness, and stops it."""
    with tempfile.TemporaryDirectory() as directory, Pipeline(Path(directory), workers=0) as pipeline:
        post(pipeline, made_fills(options.fills, users=USERS, seed=options.seed))
        worker = pipeline.start_worker(NAME)
        asyncio.run(until_processed(pipeline))
        pipeline.stop_worker(worker)
        runs = [asyncio.run(_start(pipeline)) for _ in range(options.runs)]
    ready, cpu, mib = zip(*runs, strict=True)
    yield Result(
        f"a worker of the product, its {len(TOPOLOGY.tables)} tables on disk as {options.fills:,} fills left them",
        {
            "process start to ready s": figure(ready),
            "of that CPU s": figure(cpu),
            "imports alone s": figure([_import_s() for _ in range(options.runs)]),
            "peak MiB when ready": figure(mib),
        },
    )


async def _start(pipeline: Pipeline) -> tuple[float, float, float]:
    async with Log(pipeline.server.url, pipeline.settings.namespace) as log:
        begun = time.monotonic()
        worker = pipeline.start_worker(NAME)
        while not await _ready(log):
            pipeline.check(begun + START_S, "get a worker ready")
            await asyncio.sleep(POLL_S)
        took = time.monotonic() - begun, cpu_seconds(worker.pid), peak_mib(worker.pid)
    pipeline.stop_worker(worker)
    return took


async def _ready(log: Log) -> bool:
    groups = await Admin(log).describe_groups(list(TOPOLOGY.groups(APP_ID).values()))
    return all(group.ready for group in groups)


def _import_s() -> float:
    begun = time.monotonic()
    subprocess.run(IMPORT, check=True)
    return time.monotonic() - begun
