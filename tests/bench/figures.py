"""Medians with their range: how a measured figure is printed, and how it is written to a file."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

WHOLE_FROM = 100
"""From here on a figure is printed without decimals."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured quantity over several runs."""

    runs: tuple[float, ...]

    @property
    def median(self) -> float:
        """Return the median of the runs."""
        return statistics.median(self.runs)

    def as_json(self) -> dict[str, Any]:
        """Return the median, the least, the greatest and the value of every run."""
        return {"median": self.median, "least": min(self.runs), "greatest": max(self.runs), "runs": list(self.runs)}

    def __str__(self) -> str:
        if len(self.runs) == 1:
            return f"{short(self.median)} (1 run)"
        return f"{short(self.median)} ({short(min(self.runs))} - {short(max(self.runs))}, {len(self.runs)} runs)"


def figure(runs: Sequence[float]) -> Figure:
    """Return the figure of the values of several runs."""
    return Figure(tuple(runs))


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the nearest-rank percentile of at least one value."""
    ordered = sorted(values)
    rank = max(1, -(-len(ordered) * percent // 100))
    return ordered[int(rank) - 1]


def short(value: float) -> str:
    """Format a value with its significant digits only."""
    return f"{value:,.0f}" if abs(value) >= WHOLE_FROM else f"{value:.2f}"
