"""Memory of the broker and disk of a worker: the sums of `astratrade bench memory` over the domains."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from deploy.bench import memory
from deploy.bench.load import KINDS
from streams.topics import PARTITIONS_DEFAULT
from tests.bench.figures import figure
from tests.bench.parameters import Parameters
from tests.bench.result import Result

SHARE_OF_USERS: Final = 10
"""So many fills for each user."""


def measure(options: Parameters) -> Iterator[Result]:
    """Measure loads of each kind, and sum over the domains."""
    users = max(memory.STEPS, options.fills // SHARE_OF_USERS)
    sizes = dict.fromkeys(KINDS, users) | {"fill": options.fills}
    report = memory.measure(sizes, rate=options.rate, seed=options.seed, partitions=PARTITIONS_DEFAULT, say=options.say)
    for kind, found in report.acts.items():
        sums = {what: sum(line.slope for place, line in found.items() if place.what == what) for what in memory.PLACES}
        least = min(line.r2 for line in found.values())
        figures = {f"{what} B": figure([size]) for what, size in sums.items()}
        yield Result(f"one more {kind}, of {sizes[kind]:,}, in all domains", figures, (f"least R² {least:.4f}",))
    entry = report.ranking_entry
    yield Result("one more entry of a ranking", {"B": figure([entry.slope])}, (f"R² {entry.r2:.4f}",))
