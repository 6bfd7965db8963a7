"""The ingress: requests per second over persistent connections, without pauses between requests; no worker runs."""

from __future__ import annotations

import secrets
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path

import orjson
import uvloop

from api.auth import Role
from api.trading.examples import ORDER as TRADE
from deploy.errors import DeployError
from tests.bench.figures import figure, percentile
from tests.bench.fill_load import bodies, headers, made_fills
from tests.bench.http_load import Load, closed_loop
from tests.bench.parameters import Parameters
from tests.bench.pipeline import Pipeline
from tests.bench.resource_usage import MILLION, Meter, Spent, spending
from tests.bench.result import Result

USERS = 300
CONNECTIONS = 16
REQUESTS_PER_BATCH_REQUEST = 20
"""Of requests with a whole batch, so many fewer are sent."""

FILLS_MAX = 50_000
"""Different fills; more would lie in the future. Without a worker a fill counts as any other when it comes again."""

WARM_UP_SHARE = 5
MS = 1_000


@dataclass(frozen=True)
class Command:
    """A request: path, role, whether it has an Idempotency-Key of its own, and the number of items."""

    name: str
    path: str
    role: Role
    keyed: bool
    batch: int = 1


COMMANDS = (
    Command("one fill, no key", "/v1/fills", Role.VENUE, keyed=False),
    Command("one order, with a key", "/v1/trades", Role.USER, keyed=True),
    Command("500 fills, no key", "/v1/fills", Role.VENUE, keyed=False, batch=500),
)


@dataclass(frozen=True)
class IngressRun:
    """A load, the resources that API and broker used for it, and the CPU seconds of the load client."""

    load: Load
    spent: Spent
    client_cpu_s: float


def measure(options: Parameters) -> Iterator[Result]:
    """Measure requests of one fill, of one order, and of a batch of fills."""
    for command in COMMANDS:
        requests = options.requests if command.batch == 1 else max(1, options.requests // REQUESTS_PER_BATCH_REQUEST)
        runs = _runs(command, requests, options)
        answers = [run.load.latencies_s for run in runs]
        unit = "commands" if command.batch == 1 else "fills"
        yield Result(
            f"{command.name}, a request to {command.path}; {requests:,} requests over {CONNECTIONS} connections",
            {
                "requests/s": figure([requests / run.load.seconds for run in runs]),
                "answered p50 ms": figure([MS * percentile(one, 50) for one in answers]),
                "answered p99 ms": figure([MS * percentile(one, 99) for one in answers]),
                **spending([run.spent for run in runs], what=unit, who="API"),
                "client CPU s per million": figure([MILLION * run.client_cpu_s / run.spent.events for run in runs]),
            },
        )


def _runs(command: Command, requests: int, options: Parameters) -> list[IngressRun]:
    """Run the load several times; the first part of each warms the API up."""
    warm_up = max(1, requests // WARM_UP_SHARE)
    with tempfile.TemporaryDirectory() as directory, Pipeline(Path(directory), workers=0) as pipeline:
        token = pipeline.token(command.role)
        runs = []
        for seed in options.seeds():
            load = _bodies(command, requests + warm_up, seed)
            _post(pipeline, command, load[:warm_up], token)
            runs.append(_measured(pipeline, command, load[warm_up:], token))
        return runs


def _bodies(command: Command, requests: int, seed: int) -> list[bytes]:
    if command.role is Role.USER:
        return [orjson.dumps({**TRADE, "client_ref": f"r-{seed}-{number}"}) for number in range(requests)]
    fills = made_fills(min(command.batch * requests, FILLS_MAX), users=USERS, seed=seed)
    return list(islice(cycle(bodies(fills, command.batch)), requests))


def _measured(pipeline: Pipeline, command: Command, load: list[bytes], token: str) -> IngressRun:
    meter, client = Meter([pipeline.api.pid], pipeline.server.pid).begin(), time.process_time()
    done = _post(pipeline, command, load, token)
    return IngressRun(done, meter.spent(command.batch * len(load)), time.process_time() - client)


def _post(pipeline: Pipeline, command: Command, load: list[bytes], token: str) -> Load:
    begun = secrets.token_hex(4)
    lines = (lambda number: headers(token, f"{begun}-{number}")) if command.keyed else headers(token)
    done = uvloop.run(closed_loop(pipeline.url, command.path, load, lines, connections=CONNECTIONS))
    if done.accepted != len(load):
        raise DeployError(f"the ingress accepted {done.accepted} of {len(load)} requests: {done.statuses}")
    return done
