"""What a fill costs on one broker, on two and on three, each with one worker: CPU of workers and brokers.

The cores of this machine cannot show how throughput grows, so the figure is CPU time. The numbers of shards take turns.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tests.bench.fill_load import made_fills
from tests.bench.parameters import Parameters
from tests.bench.parts.product import USERS, WARM_UP_SHARE
from tests.bench.product_cost import Cost, cost_of, figures
from tests.bench.result import Result

SHARDS: Final = (1, 2, 3)
PARTITIONS: Final = 6
"""The same for all, and as many on each shard."""


def measure(options: Parameters) -> Iterator[Result]:
    """Measure the same fills on each number of shards, in turn."""
    warm_up = max(1, options.fills // WARM_UP_SHARE)
    costs: dict[int, list[Cost]] = {shards: [] for shards in SHARDS}
    for seed in options.seeds():
        made = made_fills(warm_up + options.fills, users=USERS, seed=seed)
        for shards in SHARDS:
            costs[shards].append(cost_of(made, warm_up, shards=shards, partitions=PARTITIONS))
    for shards, runs in costs.items():
        title = f"{shards} broker{'s' * (shards > 1)} with a worker each, {options.fills:,} fills of weeks"
        yield Result(title, figures(runs, costs[1], "one broker"))
