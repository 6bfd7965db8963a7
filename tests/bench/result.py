"""The results of a part of the benchmark: lines for a person, and the same as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.bench.figures import Figure

NAME_COLUMNS = 30


@dataclass(frozen=True, slots=True)
class Result:
    """The title and the figures of a measurement; a figure's name contains its unit.

    Attributes:
        title: The quantity and the load, for people.
        figures: Several runs of each.
        notes: Conclusions from the figures: whole sentences.
        series: Measurements over time, one row each; written to the file only.
    """

    title: str
    figures: Mapping[str, Figure]
    notes: tuple[str, ...] = ()
    series: tuple[Mapping[str, float], ...] = field(default=())

    def lines(self) -> list[str]:
        """Return the printed lines."""
        found = [f"    {name:<{NAME_COLUMNS}}{figure}" for name, figure in self.figures.items()]
        return [f"  {self.title}", *found, *(f"    {note}" for note in self.notes)]

    def as_json(self) -> dict[str, Any]:
        """Return the form that is written to a file."""
        return {
            "title": self.title,
            "figures": {name: figure.as_json() for name, figure in self.figures.items()},
            "notes": list(self.notes),
            "series": [dict(row) for row in self.series],
        }
