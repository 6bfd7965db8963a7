"""What a fill costs on one broker, on two and on three, each with one worker: CPU of workers and brokers.

The cores of this machine cannot show how throughput grows, so the figure is CPU time. The numbers of shards take turns.
Workers that share cores take longer, and idle work (heartbeats, polls) goes on meanwhile. So the CPU that the same
processes take while nothing happens is measured before, and left out of the comparison.
"""

from __future__ import annotations

import asyncio
import signal
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from deploy.replay.fills import Fill
from tests.bench.figures import figure
from tests.bench.fill_load import made_fills
from tests.bench.parameters import Parameters
from tests.bench.parts.product import USERS, WARM_UP_SHARE, check, post, until_processed
from tests.bench.pipeline import Pipeline
from tests.bench.resource_usage import MILLION, Meter, Spent
from tests.bench.result import Result

SHARDS: Final = (1, 2, 3)
PARTITIONS: Final = 6
"""The same for all, and as many on each shard."""
IDLE_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Cost:
    """What a run took, and the CPU that its processes took in a second of idleness."""

    spent: Spent
    idle: float

    @property
    def whole_us(self) -> float:
        """Return the CPU time of a fill in microseconds."""
        return (self.spent.worker_cpu_s + self.spent.broker_cpu_s) / self.spent.events * MILLION

    @property
    def own_us(self) -> float:
        """Return the same without what the processes would have taken idle."""
        return self.whole_us - self.idle * self.spent.wall_s / self.spent.events * MILLION


def measure(options: Parameters) -> Iterator[Result]:
    """Measure the same fills on each number of shards, in turn."""
    warm_up = max(1, options.fills // WARM_UP_SHARE)
    costs: dict[int, list[Cost]] = {shards: [] for shards in SHARDS}
    for seed in options.seeds():
        made = made_fills(warm_up + options.fills, users=USERS, seed=seed)
        for shards in SHARDS:
            costs[shards].append(_run(shards, made, warm_up))
    for shards, runs in costs.items():
        ratios = [one.own_us / alone.own_us for one, alone in zip(runs, costs[1], strict=True)]
        figures = {
            "CPU us/fill": figure([one.own_us for one in runs]),
            "times one broker": figure(ratios),
            "with idle work": figure([one.whole_us for one in runs]),
            "idle, of a core": figure([one.idle for one in runs]),
            "fills/s": figure([one.spent.events / one.spent.wall_s for one in runs]),
        }
        title = f"{shards} broker{'s' * (shards > 1)} with a worker each, {options.fills:,} fills of weeks"
        yield Result(title, figures)


def _run(shards: int, made: list[Fill], warm_up: int) -> Cost:
    with (
        tempfile.TemporaryDirectory() as directory,
        Pipeline(Path(directory), workers=1, shards=shards, partitions=PARTITIONS) as pipeline,
    ):
        post(pipeline, made[:warm_up])
        asyncio.run(until_processed(pipeline))
        meter = Meter([worker.pid for worker in pipeline.workers], *(server.pid for server in pipeline.servers))
        meter.begin()
        time.sleep(IDLE_S)
        idle = meter.spent(1)
        pipeline.signal_workers(signal.SIGSTOP)
        post(pipeline, made[warm_up:])
        meter.begin()
        pipeline.signal_workers(signal.SIGCONT)
        asyncio.run(until_processed(pipeline))
        spent = meter.spent(len(made) - warm_up)
        asyncio.run(check(pipeline, made))
        return Cost(spent, (idle.worker_cpu_s + idle.broker_cpu_s) / idle.wall_s)
