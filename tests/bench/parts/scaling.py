"""Throughput of several workers on this machine's cores, and an estimate of how many workers one broker feeds."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping

from tests.bench.drain import drain
from tests.bench.figures import Figure, short
from tests.bench.parameters import Parameters
from tests.bench.parts.agent import job_of, title
from tests.bench.resource_usage import MILLION, spending
from tests.bench.result import Result

WORKERS = (1, 2, 4)
PERCENT = 100


def measure(options: Parameters) -> Iterator[Result]:
    """Measure the counting agent of each style on 1, 2 and 4 workers, or the chosen numbers."""
    for style in options.styles:
        found: list[Mapping[str, Figure]] = []
        for workers in options.workers or WORKERS:
            job = job_of(options, "table", style, options.store, workers)
            runs = [drain(job, seed) for seed in options.seeds()]
            busy = Figure(tuple(PERCENT * run.broker_cpu_s / run.wall_s for run in runs))
            found.append(spending(runs) | {"broker busy, % of a core": busy})
            notes = [arithmetic(found)] if workers == (options.workers or WORKERS)[-1] else []
            yield Result(
                f"{workers} worker{'s' * (workers > 1)} on {os.cpu_count()} cores: {title(job)}",
                found[-1],
                tuple(notes),
            )


def arithmetic(found: list[Mapping[str, Figure]]) -> str:
    """Estimate how many workers with a core each one broker feeds, from the CPU time of both for an event.

    The broker runs commands on one core. The estimate takes the run in which an event costs the broker most.
    """
    worker = MILLION / found[0]["worker CPU s per million"].median
    broker = MILLION / max(one["broker CPU s per million"].median for one in found)
    return (
        f"a worker with a core of its own: {short(worker)} events/s; the broker's core: {short(broker)} events/s; "
        f"so one broker feeds {broker / worker:.1f} such workers"
    )
