"""Check queries against the metrics that exist: names, labels and units."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Final

import promql_parser

from tests.docs.metrics_table import declared
from tests.observe.dashboards import DASHBOARDS, panels
from tests.observe.rules import recording

TARGET_LABELS: Final = frozenset({"job", "instance"})
"""The labels that Prometheus gives every series of a process."""

OTHERS: Final = ("up", "process_resident_memory_bytes", "process_cpu_seconds_total", "process_open_fds")
"""Series that are not in the table of metrics: Prometheus' own, and the client library's."""

RATE_INTERVAL: Final = "$__rate_interval"


@cache
def known() -> Mapping[str, frozenset[str]]:
    """Return the labels of each series that a query may name."""
    found = dict.fromkeys(OTHERS, TARGET_LABELS)
    for families in declared().values():
        for family in families:
            for name in family.series:
                bucket = {"le"} if name.endswith("_bucket") else set()
                found[name] = TARGET_LABELS | bucket | set(family.labels)
    return found | {rule["record"]: frozenset() for rule in recording()}


def faults(expr: str) -> Iterator[str]:
    """Yield what is wrong with a query.

    Raises:
        ValueError: it is not a query.
    """
    selectors: list[promql_parser.VectorSelector] = []

    def note(node: promql_parser.Expr) -> None:
        if isinstance(node, promql_parser.VectorSelector):
            selectors.append(node)

    promql_parser.walk(promql_parser.parse(expr.replace(RATE_INTERVAL, "1m")), note)
    if not selectors:
        yield "it reads no metric"
    for selector in selectors:
        labels = known().get(str(selector.name))
        if labels is None:
            yield f"no process exports {selector.name}"
            continue
        for matcher in selector.matchers.matchers:
            if matcher.name not in labels:
                yield f"{selector.name} has no label {matcher.name}"


def documents() -> dict[str, Any]:
    """Return the checked-in dashboards by the names of their files."""
    return {path.name: json.loads(path.read_text("utf-8")) for path in sorted(DASHBOARDS.glob("*.json"))}


def queries() -> Iterator[tuple[str, str]]:
    """Yield each query of all dashboards with its place: file and panel."""
    for name, document in documents().items():
        for panel in panels(document):
            for target in panel["targets"]:
                yield f"{name}: {panel['title']} {target['refId']}", target["expr"]
