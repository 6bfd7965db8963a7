"""Print a report of memory as tables, and write it as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from deploy.bench.memory import EVENTS, PLACES, Line, Lines, Report

DAY_S: Final = 86_400
FILLS_A_DAY: Final = 10_000
MEBIBYTE: Final = 2**20
FIT_MIN: Final = 0.8
"""The least R² of a line that says something."""
HEAD: Final = f"  {'domain':<14}" + "".join(f"{what:>10}" for what in PLACES) + f"{'R² of most':>12}"


def lines(report: Report, sizes: Mapping[str, int]) -> Iterator[str]:
    """Yield a table for each kind of act: bytes of one more, by domain and place; then what follows from them.

    A domain whose largest share fits no line is left out: it does not grow with the acts.
    """
    for kind, found in report.acts.items():
        yield f"\none more {kind}, of {sizes[kind]:,}: bytes"
        yield HEAD
        yield from _table(found)
    entry, a_user = report.ranking_entry, report.entries_a_user
    yield f"\nan entry of a ranking: {entry.slope:,.0f} bytes (R² {entry.r2:.4f}); a new user has {a_user.slope:.1f}"
    day = events_of(report.acts["fill"])
    clock = report.acts["tick"]
    yield (
        f"a day of retention: {day:,.0f} bytes of events for each fill a day, "
        f"so {FILLS_A_DAY * day / MEBIBYTE:,.0f} MiB for {FILLS_A_DAY:,}"
    )
    yield f"a day of ticks, one a second: {DAY_S * events_of(clock) / MEBIBYTE:,.0f} MiB"


def events_of(found: Lines) -> float:
    """Return the bytes of events of one more act, in all domains."""
    return sum(line.slope for place, line in found.items() if place.what == EVENTS)


def _table(found: Lines) -> Iterator[str]:
    for domain in dict.fromkeys(place.domain for place in found):
        row = {place.what: line for place, line in found.items() if place.domain == domain}
        largest = max(row.values(), key=lambda line: abs(line.slope))
        if largest.slope and largest.r2 >= FIT_MIN:
            yield f"{_row(domain, row)}{largest.r2:>12.4f}"
    sums = {what: Line(sum(line.slope for place, line in found.items() if place.what == what), 1.0) for what in PLACES}
    yield _row("in all", sums)


def _row(name: str, by_place: Mapping[str, Line]) -> str:
    return f"  {name:<14}" + "".join(f"{by_place[what].slope if what in by_place else 0:>10,.0f}" for what in PLACES)


def as_json(report: Report) -> dict[str, Any]:
    """Return the report as it is written to a file."""
    return {
        "acts": {
            kind: [
                {"domain": place.domain, "place": place.what, "bytes": round(line.slope, 1), "r2": round(line.r2, 4)}
                for place, line in found.items()
            ]
            for kind, found in report.acts.items()
        },
        "ranking_entry": {"bytes": round(report.ranking_entry.slope, 1), "r2": round(report.ranking_entry.r2, 4)},
        "ranking_entries_of_a_user": round(report.entries_a_user.slope, 1),
    }
