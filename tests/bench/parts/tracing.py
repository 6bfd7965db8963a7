"""What traces cost: the product's path with traces off, of 1 % and of all requests.

Three pipelines get the same fills. In each of many short rounds one after the other works, and the others are stopped.
So the rounds of a comparison are seconds apart, and a busy machine disturbs the ratios little.
"""

from __future__ import annotations

import asyncio
import os
import signal
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from unittest import mock

from deploy.errors import DeployError
from deploy.replay.fills import Fill
from tests.bench.figures import Figure, figure
from tests.bench.fill_load import bodies, headers, in_one_hour, made_fills
from tests.bench.http_load import closed_loop
from tests.bench.parameters import Parameters
from tests.bench.parts.product import USERS, check, until_processed
from tests.bench.pipeline import UNLIMITED, Pipeline
from tests.bench.resource_usage import MILLION, Meter
from tests.bench.result import Result
from tests.tracing.collector import collecting

SAMPLES = {"off": 0.0, "1 %": 0.01, "100 %": 1.0}
ROUNDS_OF_RUN = 8
WARM_UP_ROUNDS = 2
CONNECTIONS = 8

Costs = Mapping[str, list[float]]
"""Microseconds of CPU a fill of each round, by the part that is sampled."""


def measure(options: Parameters) -> Iterator[Result]:
    """Measure `ROUNDS_OF_RUN` rounds for each run; each fill is a request of its own."""
    rounds = ROUNDS_OF_RUN * options.runs
    made = in_one_hour(made_fills(options.fills, users=USERS, seed=options.seed))
    size = len(made) // (rounds + WARM_UP_ROUNDS)
    chunks = [made[start : start + size] for start in range(0, size * (rounds + WARM_UP_ROUNDS), size)]
    worker: Costs = {name: [] for name in SAMPLES}
    api: Costs = {name: [] for name in SAMPLES}
    with ExitStack() as stack:
        collector = stack.enter_context(collecting(decodes=False))
        stack.enter_context(mock.patch.dict(os.environ, OTEL_EXPORTER_OTLP_ENDPOINT=collector.url))
        pipelines = {name: stack.enter_context(started(stack, sample)) for name, sample in SAMPLES.items()}
        for number, chunk in enumerate(chunks):
            for name in rotated(list(SAMPLES), number):
                spent = one_round(pipelines[name], chunk)
                if number >= WARM_UP_ROUNDS:
                    for costs, cost in zip((worker, api), spent, strict=True):
                        costs[name].append(cost)
        for pipeline in pipelines.values():
            asyncio.run(check(pipeline, made[: size * len(chunks)]))
    if not collector.received:
        raise DeployError("no span arrived")
    for process, costs in (("worker", worker), ("API", api)):
        yield Result(f"traces, {process}, {rounds} rounds of {size} fills, one request each", figures(costs))


def started(stack: ExitStack, sample: float) -> Pipeline:
    """Return a pipeline to enter, with a directory that the stack removes."""
    directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    return Pipeline(directory, workers=1, limits={**UNLIMITED, "trace_sample": sample})


def rotated(names: list[str], number: int) -> list[str]:
    """Return names in another order in each round."""
    first = number % len(names)
    return names[first:] + names[:first]


def one_round(pipeline: Pipeline, fills: Sequence[Fill]) -> tuple[float, float]:
    """Post fills while the worker stands still, then let it work. Return the CPU of worker and API, µs a fill."""
    pipeline.signal_workers(signal.SIGSTOP)
    asked = Meter([pipeline.api.pid], pipeline.server.pid).begin()
    post(pipeline, list(fills))
    api_s = asked.spent(len(fills)).worker_cpu_s
    meter = Meter([worker.pid for worker in pipeline.workers], pipeline.server.pid).begin()
    pipeline.signal_workers(signal.SIGCONT)
    asyncio.run(until_processed(pipeline))
    worker_s = meter.spent(len(fills)).worker_cpu_s
    pipeline.signal_workers(signal.SIGSTOP)
    return MILLION * worker_s / len(fills), MILLION * api_s / len(fills)


def figures(costs: Costs) -> dict[str, Figure]:
    """Return the cost of each sample rate, and its ratio to no traces, of the same round."""
    found = {f"{name}: µs of CPU a fill": figure(runs) for name, runs in costs.items()}
    for name in list(SAMPLES)[1:]:
        ratios = [traced / plain for traced, plain in zip(costs[name], costs["off"], strict=True)]
        found[f"{name} / off, same round"] = figure(ratios)
        found[f"{name} / off, of medians"] = figure([median(costs[name]) / median(costs["off"])])
    return found


def post(pipeline: Pipeline, fills: list[Fill]) -> None:
    """Send each fill in a request of its own.

    Raises:
        DeployError: when the ingress refuses some.
    """
    load, lines = bodies(fills, 1), headers(pipeline.token())
    posted = asyncio.run(closed_loop(pipeline.url, "/v1/fills", load, lines, connections=CONNECTIONS))
    if posted.accepted != len(load):
        raise DeployError(f"the ingress accepted {posted.accepted} of {len(load)} requests: {posted.statuses}")
