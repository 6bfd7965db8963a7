"""Memory of the broker: what a fill and a user take in the events, in the changelogs' tails and in the rows.

Fills are reported one by one, as a venue does. A fill's share is the slope of a line over runs with the same users.
A user's share is the slope over runs with the same fills.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from statistics import correlation, linear_regression
from typing import Final

from faust_redis.log import Log

from deploy.errors import DeployError
from tables.domains import TOPOLOGY
from tests.bench.figures import Figure, figure
from tests.bench.fill_load import bodies, headers, made_fills
from tests.bench.http_load import closed_loop
from tests.bench.parameters import Parameters
from tests.bench.parts.product import until_processed
from tests.bench.pipeline import Pipeline
from tests.bench.result import Result

USERS: Final = 100
SHARES: Final = (4, 2, 1)
"""Runs with these parts of the fills, and of four times the users."""
EVENTS, TAILS, ROWS = "events", "tails", "rows"
PLACES: Final = {EVENTS: "events, for the retention", TAILS: "changes of tables, for the tail", ROWS: "rows, for good"}

Used = dict[str, int]


def measure(options: Parameters) -> Iterator[Result]:
    """Measure runs of several sizes, and fit lines."""
    by_fills = {options.fills // share: USERS for share in SHARES}
    by_users = {4 * USERS // share: options.fills // 2 for share in SHARES}
    found: dict[tuple[int, int], Used] = {}
    for fills, users in {*by_fills.items(), *((fills, users) for users, fills in by_users.items())}:
        found[fills, users] = used = run(fills, users, options.seed)
        options.say(f"{fills:,} fills of {users} users: {used}")
    per_fill = _slopes({fills: found[fills, users] for fills, users in by_fills.items()})
    yield Result("bytes of the broker a fill, reported one by one", *per_fill)
    yield Result("bytes of the broker a user", *_slopes({u: found[f, u] for u, f in by_users.items()}))


def _slopes(runs: dict[int, Used]) -> tuple[dict[str, Figure], tuple[str, ...]]:
    """Return the slope of each place over the size of the runs, and how well the lines fit."""
    sizes = [float(size) for size in runs]
    slopes, fits = {}, []
    for place, name in PLACES.items():
        values = [float(used[place]) for used in runs.values()]
        slopes[name] = figure([linear_regression(sizes, values).slope])
        fits.append(f"{place} {correlation(sizes, values) ** 2:.4f}")
    return slopes, (f"R² of the lines: {', '.join(fits)}",)


def run(fills: int, users: int, seed: int) -> Used:
    """Return the bytes of each place after some fills.

    Raises:
        DeployError: the ingress refused a fill.
    """
    made = made_fills(fills, users=users, seed=seed)
    with tempfile.TemporaryDirectory() as directory, Pipeline(Path(directory), workers=1) as pipeline:
        lines = headers(pipeline.token())
        posted = asyncio.run(closed_loop(pipeline.url, "/v1/fills", bodies(made, 1), lines, connections=1))
        if posted.accepted != fills:
            raise DeployError(f"the ingress accepted {posted.accepted} of {fills} fills: {posted.statuses}")
        asyncio.run(until_processed(pipeline))
        return asyncio.run(_used(pipeline))


async def _used(pipeline: Pipeline) -> Used:
    """Return what `MEMORY USAGE` says of the log's keys."""
    used: Counter[str] = Counter()
    async with Log(pipeline.server.url, pipeline.settings.namespace) as log:
        partitions = range(pipeline.settings.partitions)
        events = {log.keys.stream(topic, p): EVENTS for topic in TOPOLOGY.topics for p in partitions}
        async for raw in log.redis.scan_iter(match=f"{log.keys.prefix}*", count=1_000):
            key = raw.decode()
            kind = key.removeprefix(log.keys.prefix).partition(":")[0]
            place = {"log": events.get(key, TAILS), "snap": ROWS, "rank": ROWS}.get(kind, "other")
            used[place] += int(await log.redis.memory_usage(key, samples=0) or 0)
    return dict(used)
