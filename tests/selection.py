"""Select and order the tests: the quick slice, slow tests first, tests that share a server together."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

QUICK = (
    "tests/unit/",
    "tests/docs/",
    "tests/oracle/",
    "tests/bench/test_measuring.py",
    "tests/faults/test_checks.py",
    "tests/faults/test_plan.py",
    "tests/simulation/test_conformance.py",
    "tests/simulation/test_simulation.py::test_the_protocol_holds_on_every_seed[0]",
    "tests/simulation/test_simulation.py::test_nothing_stays_planted",
    "tests/contract/test_batches.py",
    "tests/contract/test_failures.py",
    "tests/contract/test_faust.py",
    "tests/contract/test_promises.py",
    "tests/integration/agents/",
    "tests/integration/api/test_ingress.py",
    "tests/integration/api/test_queries.py",
    "tests/integration/streams/test_group.py",
    "tests/integration/streams/test_log.py",
    "tests/library/test_admin.py",
    "tests/library/test_cli.py",
    "tests/library/test_laws.py",
)
"""Beginnings of the ids of tests in the quick slice; slow tests and those on Kafka never are."""
FILES_OF_QUICK = tuple(start.partition("::")[0] for start in QUICK)

ON_ONE_DEMO = "tests/docs/test_snippets.py::test_the_commands_of_a_page"
"""Tests that share one demo when they run in one process."""


def add_option(parser: pytest.Parser) -> None:
    """Add `--quick` to pytest."""
    parser.addoption("--quick", action="store_true", help="run only the slice of the tests for the inner loop")


def arrange(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the selected slice, and order it so that several processes finish at about the same time."""
    if config.getoption("--quick"):
        _keep(config, items, [item for item in items if is_quick(item)])
    for item in items:
        if "running" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group("running"))
        if item.nodeid.startswith(ON_ONE_DEMO):
            item.add_marker(pytest.mark.xdist_group("demo"))
    # The sort is stable: within each half, the order stays random.
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


def is_left_out(path: Path, config: pytest.Config) -> bool:
    """Return whether the quick slice needs nothing of a file or directory, so that it need not be collected."""
    if not config.getoption("--quick") or not path.is_relative_to(config.rootpath):
        return False
    name = path.relative_to(config.rootpath).as_posix()
    return not any(name.startswith(start) or start.startswith(name) for start in FILES_OF_QUICK)


def is_quick(item: pytest.Item) -> bool:
    """Return whether a test belongs to the quick slice."""
    excluded = item.get_closest_marker("slow") or item.get_closest_marker("kafka")
    return not excluded and item.nodeid.startswith(QUICK)


def _keep(config: pytest.Config, items: list[pytest.Item], kept: Sequence[pytest.Item]) -> None:
    dropped = [item for item in items if item not in set(kept)]
    if dropped:
        config.hook.pytest_deselected(items=dropped)
    items[:] = kept
