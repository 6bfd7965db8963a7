"""What `astratrade top` shows: domains with rates, lag and commits, their members, and the busiest topics."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from faust_redis.log.services import LiveService
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from api.kit.pipeline import DomainState

UNKNOWN: Final = "-"
TOPIC_ROWS_MIN: Final = 3
OTHER_LINES: Final = 10
"""Lines of a screen beside rows: three headings with an empty line each, and the first line."""


@dataclass(frozen=True, slots=True)
class Moment:
    """The pipeline at one moment.

    Attributes:
        states: The state of each domain.
        topics: Records, and records a second, of each topic.
        services: The live processes.
        letters: How many dead letters are open.
    """

    states: Sequence[DomainState]
    topics: Mapping[str, tuple[int, float | None]]
    services: Sequence[LiveService]
    letters: int


def screen(moment: Moment, *, lines: int | None = None, fault: str = "") -> RenderableType:
    """Return a moment as tables.

    Args:
        moment: What to show.
        lines: The height of the terminal, so that topics are left out that do not fit; None to show all.
        fault: Why the moment is old; empty when it is not.
    """
    members = _members(moment.states)
    used = OTHER_LINES + len(moment.states) + members.row_count
    most = None if lines is None else max(TOPIC_ROWS_MIN, lines - used)
    return Group(_first_line(moment, fault), Text(), _domains(moment), Text(), members, Text(), _topics(moment, most))


def _first_line(moment: Moment, fault: str) -> Text:
    ready = sum(state.group.ready for state in moment.states)
    line = Text(f"{ready} of {len(moment.states)} domains ready, {len(moment.services)} processes, ")
    line.append(f"{moment.letters} dead letters", "yellow" if moment.letters else "")
    if fault:
        line.append(f"  {fault}", "bold red")
    return line


def _domains(moment: Moment) -> Table:
    table = _table("DOMAIN", "STATE", "GENERATION", "EVENTS/S", "WAITING", "FOR S", "COMMITS/S", "COMMIT MS")
    commits = _commits(moment.services)
    for state in moment.states:
        per_second, mean_ms = commits.get(state.domain, (None, None))
        rates = [rate for rate in state.rates.values() if rate is not None]
        table.add_row(
            state.domain,
            Text(state.group.state, "" if state.group.ready else "red"),
            str(state.group.generation),
            _number(sum(rates) if rates else None),
            Text(f"{state.records:,}", "yellow" if state.records else ""),
            f"{'>' if state.delay.at_least else ''}{state.delay.seconds:.1f}",
            _number(per_second),
            _number(mean_ms),
        )
    return table


def _members(states: Iterable[DomainState]) -> Table:
    table = _table("MEMBER", "DOMAIN", "PARTITIONS", "LEASE MS", "TABLES")
    for state in states:
        for member in state.group.members:
            partitions = sorted({tp.partition for tp in member.assignment})
            shown = ",".join(map(str, partitions)) or UNKNOWN
            table.add_row(
                member.name, state.domain, shown, str(member.lease_ms), _tables(member.recovered, member.status)
            )
    return table


def _tables(recovered: bool, status: Mapping[str, Any]) -> Text:
    if recovered:
        return Text("restored")
    total = status.get("total")
    return Text(f"{status.get('restored', 0):,} of {total:,}" if total else "restoring", "yellow")


def _topics(moment: Moment, most: int | None) -> Table:
    table = _table("TOPIC", "EVENTS/S", "RECORDS", "WAITING")
    waiting: dict[str, int] = {}
    for state in moment.states:
        for tp, lag in state.lag.items():
            waiting[tp.topic] = waiting.get(tp.topic, 0) + lag
    busiest = sorted(moment.topics.items(), key=lambda each: (-waiting.get(each[0], 0), -(each[1][1] or 0.0), each[0]))
    for topic, (records, per_second) in busiest[:most]:
        shown = f"{waiting[topic]:,}" if topic in waiting else UNKNOWN
        table.add_row(topic, _number(per_second), f"{records:,}", Text(shown, "yellow" if waiting.get(topic) else ""))
    return table


def _commits(services: Iterable[LiveService]) -> dict[str, tuple[float, float | None]]:
    """Return the commits a second of each domain over all processes, and their mean time, weighted by their number."""
    found: dict[str, list[tuple[float, float]]] = {}
    for service in services:
        for domain, each in service.description.get("commits", {}).items():
            found.setdefault(domain, []).append((each["per_second"], each["mean_ms"] or 0.0))
    sums = {domain: sum(rate for rate, _ in each) for domain, each in found.items()}
    return {
        domain: (total, sum(rate * ms for rate, ms in found[domain]) / total if total else None)
        for domain, total in sums.items()
    }


def _table(*titles: str) -> Table:
    """Return a table without lines; all but texts are aligned to the right."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in titles:
        is_text = title in {"DOMAIN", "STATE", "MEMBER", "PARTITIONS", "TABLES", "TOPIC"}
        table.add_column(title, justify="left" if is_text else "right", no_wrap=True)
    return table


def _number(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value:,.1f}"
