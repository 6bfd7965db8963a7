"""What a fill costs the product's processes: CPU of workers and brokers, without what they would have taken idle.

Workers that share cores take longer, and idle work (heartbeats, polls) goes on meanwhile. So the CPU that the same
processes take while nothing happens is measured before.
"""

from __future__ import annotations

import asyncio
import signal
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from deploy.replay.fills import Fill
from tests.bench.figures import Figure, figure
from tests.bench.parts.product import check, post, until_processed
from tests.bench.pipeline import Pipeline
from tests.bench.resource_usage import MILLION, Meter, Spent

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


def figures(runs: list[Cost], base: list[Cost], name: str) -> dict[str, Figure]:
    """Return the figures of some runs, compared one by one with other runs, which have a name."""
    return {
        "CPU us/fill": figure([one.own_us for one in runs]),
        f"times {name}": figure([one.own_us / other.own_us for one, other in zip(runs, base, strict=True)]),
        "with idle work": figure([one.whole_us for one in runs]),
        "idle, of a core": figure([one.idle for one in runs]),
        "worker MiB": figure([one.spent.worker_mib for one in runs]),
        "fills/s": figure([one.spent.events / one.spent.wall_s for one in runs]),
    }


def cost_of(made: list[Fill], warm_up: int, *, shards: int, partitions: int) -> Cost:
    """Run once: warm the workers up, measure them idle, pause them, post the fills, measure from their resumption."""
    with (
        tempfile.TemporaryDirectory() as directory,
        Pipeline(Path(directory), workers=1, shards=shards, partitions=partitions) as pipeline,
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
