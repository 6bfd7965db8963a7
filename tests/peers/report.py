"""Medians and ratios, as a table to paste into a page, and as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tests.bench.figures import Figure, short
from tests.bench.resource_usage import Spent, spending
from tests.peers.contestants import BROKERS, KAFKAS, OURS, Contestant

Runs = Mapping[Contestant, Sequence[Spent]]
NOTHING = "-"
CPU = "worker CPU s per million"


def table(runs: Runs, *, on_named: bool = False) -> list[str]:
    """Return a table: a row for each contestant that has run, and the ratio to it of each style of ours.

    `on_named` says that a named Kafka replaced the test brokers. `per core` compares CPU seconds of the workers alone:
    clients with threads of their own use more than one core.
    """
    figures = {who: spending(spents) for who, spents in runs.items() if spents}
    ours = [who for who in OURS if who in figures]
    head = ["", "guarantee", "state", "broker", "events/s", CPU, "broker CPU s per million", "worker peak MiB"]
    for who in ours:
        head += [f"{who.option}: ours is × as fast", "per core"]
    lines = [_row(head), _row(["---"] * len(head))]
    for who, found in figures.items():
        cells = [who.name, who.guarantee, who.state, _broker(who, on_named=on_named), _range(found["events/s"])]
        cells += [_median(found[name]) for name in (CPU, "broker CPU s per million", "worker peak MiB")]
        for us in ours:
            cells.append(_ratio(figures[us]["events/s"], found["events/s"]))
            cells.append(_ratio(found[CPU], figures[us][CPU]))
        lines.append(_row(cells))
    return lines


def as_json(runs: Runs) -> list[dict[str, Any]]:
    """Return every run of every contestant."""
    return [
        {
            "name": who.name,
            "guarantee": who.guarantee,
            "state": who.state,
            "broker": who.broker,
            "figures": {name: figure.as_json() for name, figure in spending(spents).items()},
        }
        for who, spents in runs.items()
        if spents
    ]


def _broker(who: Contestant, *, on_named: bool) -> str:
    return "Kafka" if on_named and who.broker in KAFKAS else BROKERS[who.broker]


def _range(figure: Figure) -> str:
    return f"{short(figure.median)} ({short(min(figure.runs))}-{short(max(figure.runs))})"


def _median(figure: Figure) -> str:
    return short(figure.median) if figure.median else NOTHING


def _ratio(more: Figure, less: Figure) -> str:
    return f"{more.median / less.median:.2f}" if less.median else NOTHING


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
