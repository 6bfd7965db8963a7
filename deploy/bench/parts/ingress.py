"""The ingress: requests per second over kept connections, as fast as the answers come; no worker runs meanwhile."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator
from pathlib import Path

from deploy.bench.asked import Asked
from deploy.bench.figures import figure, percentile
from deploy.bench.fill_load import bodies, headers, made_fills
from deploy.bench.http_load import Load, closed_loop
from deploy.bench.pipeline import Pipeline
from deploy.bench.result import Result
from deploy.bench.spent import Meter, Spent, spending
from deploy.errors import DeployError

USERS = 300
CONNECTIONS = 16
BATCH = 500
REQUESTS_PER_BATCH_REQUEST = 50
"""Of requests with a whole batch, so many fewer are sent."""

WARM_UP_SHARE = 5
MS = 1_000


def measure(asked: Asked) -> Iterator[Result]:
    """Requests of one fill, and of a batch of them."""
    for batch, requests in ((1, asked.requests), (BATCH, max(1, asked.requests // REQUESTS_PER_BATCH_REQUEST))):
        runs = _runs(batch, requests, asked)
        answers = [load.latencies_s for load, _ in runs]
        yield Result(
            f"POST /v1/fills, {batch} fill{'s' * (batch > 1)} a request, {requests:,} requests, "
            f"{CONNECTIONS} connections",
            {
                "requests/s": figure([requests / load.seconds for load, _ in runs]),
                "answered p50 ms": figure([MS * percentile(one, 50) for one in answers]),
                "answered p99 ms": figure([MS * percentile(one, 99) for one in answers]),
                **spending([spent for _, spent in runs], what="fills", who="API"),
            },
        )


def _runs(batch: int, requests: int, asked: Asked) -> list[tuple[Load, Spent]]:
    """Each run's first part of the load warms the API up."""
    warm_up = max(1, requests // WARM_UP_SHARE)
    runs = []
    with tempfile.TemporaryDirectory() as directory, Pipeline(Path(directory), workers=0) as pipeline:
        lines = headers(pipeline.venue_token())
        for seed in asked.seeds():
            load = bodies(made_fills(batch * (requests + warm_up), users=USERS, seed=seed), batch)
            _post(pipeline, load[:warm_up], lines)
            meter = Meter([pipeline.api.pid], pipeline.server.pid).begin()
            posted = _post(pipeline, load[warm_up:], lines)
            runs.append((posted, meter.spent(batch * requests)))
    return runs


def _post(pipeline: Pipeline, load: list[bytes], lines: str) -> Load:
    posted = asyncio.run(closed_loop(pipeline.url, "/v1/fills", load, lines, connections=CONNECTIONS))
    if posted.accepted != len(load):
        raise DeployError(f"the ingress accepted {posted.accepted} of {len(load)} requests: {posted.statuses}")
    return posted
