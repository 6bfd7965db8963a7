"""The tables of docs/capacity.md, computed from a report of `astratrade bench memory --json`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from deploy.bench.memory import CHANGES, DISK, EVENTS, PLACES, RANKINGS, ROWS
from deploy.bench.report import FIT_MIN

REPORT: Final = Path(__file__).parents[1] / "fixtures" / "capacity.json"
"""Written by `astratrade bench memory --json tests/fixtures/capacity.json`."""
FILLS_A_DAY: Final = (1_000, 10_000, 100_000)
RETENTION_DAYS, YEAR_DAYS, PEAK = 7, 365, 10
MB: Final = 1_000_000
DAY_S: Final = 86_400

Act = list[dict[str, Any]]


def shares() -> str:
    """Return the bytes of one more act of each kind, by domain."""
    report = _report()
    lines = [
        _measured(report),
        "",
        "| One more | Domain | events | changes | rows | rankings | on disk | R² of the largest |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for kind, found in report["acts"].items():
        lines += _rows(kind, found)
    entry, entries = report["ranking_entry"], report["ranking_entries_of_a_user"]
    lines += [
        "",
        f"An entry of a ranking takes {entry['bytes']:.0f} B (R² {entry['r2']:.4f}); a new user has {entries:.0f}.",
    ]
    return "\n".join(lines)


def sums() -> str:
    """Return what fills a day take: events of the retention, changes, and the rows of a year."""
    acts = _report()["acts"]
    events, changes = _of(acts["fill"], EVENTS), _of(acts["fill"], CHANGES)
    rows = _of(acts["fill"], ROWS) + _of(acts["fill"], RANKINGS)
    user = _of(acts["user"], ROWS) + _of(acts["user"], RANKINGS)
    ticks, disk = DAY_S * _of(acts["tick"], EVENTS), [_of(acts[kind], DISK) for kind in ("fill", "user")]
    peak = f"changes of an hour, at {PEAK} times the mean"
    lines = [
        f"**A day of retention** takes {events:,.0f} B for each fill of a day.",
        f"A day of ticks would take {_size(ticks)}; they are kept for an hour.",
        f"**Rows of a year** take {YEAR_DAYS * rows / 1_000:,.0f} KB for each fill of a day.",
        f"A user takes {user / 1_000:.1f} KB of rows and rankings once.",
        f"**On the disk** of a worker, a fill takes {disk[0]:,.0f} B and a user {disk[1]:,.0f} B.",
        "",
        f"| Fills a day | events of {RETENTION_DAYS} days | {peak} | rows of a year | in all |",
        "|---|---|---|---|---|",
    ]
    for fills in FILLS_A_DAY:
        parts = (RETENTION_DAYS * fills * events, PEAK * fills / 24 * changes, YEAR_DAYS * fills * rows)
        lines.append(f"| {fills:,} | {' | '.join(map(_size, (*parts, sum(parts))))} |")
    return "\n".join(lines)


def _report() -> dict[str, Any]:
    report: dict[str, Any] = json.loads(REPORT.read_text("utf-8"))
    return report


def _measured(report: Mapping[str, Any]) -> str:
    sizes, rate = report["options"]["sizes"], report["options"]["rate"]
    return (
        f"Measured on {report['date']}: {report['machine']}, {report['broker']}, Python {report['python']}; "
        f"{sizes['user']:,} users, {sizes['fill']:,} fills, {sizes['deposit']:,} of the others, {rate:g} a second."
    )


def _rows(kind: str, found: Act) -> Iterator[str]:
    shown = 0
    for domain in dict.fromkeys(one["domain"] for one in found):
        own = [one for one in found if one["domain"] == domain]
        largest = max(own, key=lambda one: abs(one["bytes"]))
        if largest["bytes"] and largest["r2"] >= FIT_MIN:
            shown += 1
            yield _row(kind, domain, own, f"{largest['r2']:.4f}")
    if shown > 1:
        yield _row(kind, "in all", found, "")


def _row(kind: str, name: str, found: Act, fit: str) -> str:
    return f"| {kind} | {name} | {' | '.join(f'{round(_of(found, place)):,}' for place in PLACES)} | {fit} |"


def _of(found: Act, place: str) -> float:
    return float(sum(one["bytes"] for one in found if one["place"] == place))


def _size(size: float) -> str:
    return f"{size / MB / 1_000:,.1f} GB" if size >= 1_000 * MB else f"{size / MB:,.0f} MB"
