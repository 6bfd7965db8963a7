"""What a fill costs where fills come one by one: at a fixed rate, each a request of its own; CPU of worker and broker.

Here each fill wakes every domain that follows from it, where fills that wait in the topic share reads and commits.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from deploy.errors import DeployError
from deploy.server.address import free_port
from tests.bench.figures import figure
from tests.bench.fill_cost import counters_of
from tests.bench.fill_load import bodies, headers, in_one_hour, made_fills
from tests.bench.http_load import open_loop
from tests.bench.parameters import Parameters
from tests.bench.parts.product import USERS, check, until_processed, warmed_up
from tests.bench.pipeline import UNLIMITED, Pipeline
from tests.bench.resource_usage import MILLION, Meter
from tests.bench.result import Result
from tests.load.counters import between

CONNECTIONS: Final = 8
WARM_UP: Final = 500
IDLE_S: Final = 5.0
PERCENT: Final = 100


def measure(options: Parameters) -> Iterator[Result]:
    """Measure `--rate` fills a second for `--seconds`, and the same processes while nothing comes."""
    runs = [_run(options, seed) for seed in options.seeds()]
    yield Result(
        f"single fills at {options.rate:g}/s for {options.seconds:g} s, one worker",
        {name: figure([run[name] for run in runs]) for name in runs[0]},
    )


def _run(options: Parameters, seed: int) -> dict[str, float]:
    count, port = max(1, int(options.rate * options.seconds)), free_port("127.0.0.1", 0)
    made = in_one_hour(made_fills(WARM_UP + count, users=USERS, seed=seed))
    with (
        tempfile.TemporaryDirectory() as directory,
        Pipeline(Path(directory), workers=1, limits={**UNLIMITED, "worker_port": port}) as pipeline,
    ):
        warmed_up(pipeline, made[:WARM_UP])
        meter = Meter([worker.pid for worker in pipeline.workers], pipeline.server.pid).begin()
        time.sleep(IDLE_S)
        idle = meter.spent(1)
        before = counters_of(port)
        meter.begin()
        load, lines = bodies(made[WARM_UP:], 1), headers(pipeline.token())
        posted = asyncio.run(
            open_loop(pipeline.url, "/v1/fills", load, lines, per_second=options.rate, connections=CONNECTIONS)
        )
        asyncio.run(until_processed(pipeline))
        spent = meter.spent(count)
        domains = between(before, counters_of(port)).domains
        if posted.accepted != count:
            raise DeployError(f"the ingress accepted {posted.accepted} of {count} fills: {posted.statuses}")
        asyncio.run(check(pipeline, made))
    return {
        "worker, us/fill": MILLION * spent.worker_cpu_s / count,
        "broker, us/fill": MILLION * spent.broker_cpu_s / count,
        "worker, % of a core": PERCENT * spent.worker_cpu_s / spent.wall_s,
        "idle worker, % of a core": PERCENT * idle.worker_cpu_s / idle.wall_s,
        **{f"{name}, us/fill": MILLION * did["cpu_s"] / count for name, did in domains.items()},
    }
