"""What the number of partitions costs: CPU of a fill, idle work and memory of one worker that has all of them, in turn.

More partitions let more workers share the work, and more brokers. Each costs something while nothing happens.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tests.bench.fill_load import made_fills
from tests.bench.parameters import Parameters
from tests.bench.parts.product import USERS, WARM_UP_SHARE
from tests.bench.product_cost import Cost, cost_of, figures
from tests.bench.result import Result

COUNTS: Final = (4, 12, 32)
"""The first is compared with."""


def measure(options: Parameters) -> Iterator[Result]:
    """Measure the same fills with each number of partitions, in turn."""
    warm_up = max(1, options.fills // WARM_UP_SHARE)
    costs: dict[int, list[Cost]] = {count: [] for count in COUNTS}
    for seed in options.seeds():
        made = made_fills(warm_up + options.fills, users=USERS, seed=seed)
        for count in COUNTS:
            costs[count].append(cost_of(made, warm_up, shards=1, partitions=count))
    for count, runs in costs.items():
        title = f"{count} partitions, one worker, {options.fills:,} fills of weeks"
        yield Result(title, figures(runs, costs[COUNTS[0]], f"{COUNTS[0]} partitions"))
