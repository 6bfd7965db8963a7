"""A table of medians: what a fill costs each contestant, and how many fills a core does compared with ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tests.bench.figures import Figure, figure, short
from tests.bench.resource_usage import MILLION
from tests.peers.product.contestants import OURS, SERVERS, Contestant, Job
from tests.peers.product.raced import Raced
from tests.peers.product.source_lines import lines_of

Runs = Mapping[Contestant, Sequence[Raced]]
HEAD = (
    "", "guarantee", "server", "fills/s", "worker µs a fill", "server µs a fill", "fills/s per core",
    "bytes kept a fill", "lines of code", "ours is × per core", "differs",
)  # fmt: skip
PER_CORE = "fills/s per core"
NOTHING = "-"


def figures(raced: Sequence[Raced]) -> dict[str, Figure]:
    """Return the figures of a contestant's runs. A core's fills count the CPU seconds of worker and server together."""
    runs = [one.spent for one in raced]
    found = {
        "fills/s": figure([run.events / run.wall_s for run in runs]),
        "worker µs a fill": figure([MILLION * run.worker_cpu_s / run.events for run in runs]),
        "server µs a fill": figure([MILLION * run.broker_cpu_s / run.events for run in runs]),
        PER_CORE: figure([run.events / (run.worker_cpu_s + run.broker_cpu_s) for run in runs]),
    }
    sizes = [one.kept_bytes for one in raced if one.kept_bytes is not None]
    return found | ({"bytes kept a fill": figure(sizes)} if sizes else {})


def table(runs: Runs, job: Job) -> list[str]:
    """Return a row for each contestant that has run."""
    lines = [_row(HEAD), _row(["---"] * len(HEAD))]
    us = figures(runs[OURS])[PER_CORE].median if runs.get(OURS) else None
    for who, raced in runs.items():
        if not raced:
            continue
        found = figures(raced)
        ratio = f"{us / found[PER_CORE].median:.2f}" if us is not None and who != OURS else NOTHING
        cells = [_range(found.get(name)) for name in HEAD[3:8]]
        lines.append(
            _row([who.name, who.guarantee, SERVERS[who.server], *cells, str(lines_of(who, job)), ratio, who.differs])
        )
    return lines


def as_json(runs: Runs, job: Job) -> list[dict[str, Any]]:
    """Return every run of every contestant."""
    return [
        {
            "name": who.name,
            "guarantee": who.guarantee,
            "server": who.server,
            "lines": lines_of(who, job),
            "differs": who.differs,
            "figures": {name: one.as_json() for name, one in figures(raced).items()},
        }
        for who, raced in runs.items()
        if raced
    ]


def _range(one: Figure | None) -> str:
    if one is None or not one.median:
        return NOTHING
    if len(one.runs) == 1:
        return short(one.median)
    return f"{short(one.median)} ({short(min(one.runs))}-{short(max(one.runs))})"


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
