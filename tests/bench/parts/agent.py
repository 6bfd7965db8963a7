"""Events per second through one agent and one worker process, from a filled topic until the last commit."""

from __future__ import annotations

from collections.abc import Iterator

from tests.bench.drain import Job, drain
from tests.bench.parameters import Parameters
from tests.bench.resource_usage import spending
from tests.bench.result import Result

MEMORY = "memory://"
WARM_UP_SHARE = 10


def measure(options: Parameters) -> Iterator[Result]:
    """Measure each style of agent: without state, and counting by key in the chosen store."""
    for style in options.styles:
        for kind, store in (("stateless", MEMORY), ("table", options.store)):
            job = job_of(options, kind, style, store)
            runs = [drain(job, seed) for seed in options.seeds()]
            yield Result(title(job), spending(runs))


def job_of(options: Parameters, kind: str, style: str, store: str, workers: int = 1) -> Job:
    """Return a job of the chosen size; a tenth as many events warm it up."""
    warm_up = max(1, options.events // WARM_UP_SHARE)
    return Job(kind=kind, style=style, store=store, events=options.events, warm_up=warm_up, workers=workers)


def title(job: Job) -> str:
    """Describe a job in words."""
    names = {
        "stateless": "stateless",
        "table": "counting by key",
        "output": "counting by key, an output for each event",
    }
    store = "" if job.kind == "stateless" else f", table in {job.store.removesuffix('://')}"
    return f"{job.style} agent, {names[job.kind]}{store}, {job.events:,} events of 200 bytes"
