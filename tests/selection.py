"""Select and order the tests: slices, samples, slow tests first, tests that share a server together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from zlib import crc32

import pytest

QUICK = (
    "tests/unit/",
    "tests/docs/",
    "tests/oracle/",
    "tests/community/oracle/",
    "tests/community/test_cluster_life.py",
    "tests/community/test_journal.py",
    "tests/bench/test_measuring.py",
    "tests/faults/test_checks.py",
    "tests/faults/test_plan.py",
    "tests/load/",
    "tests/simulation/test_conformance.py",
    "tests/simulation/test_simulation.py::test_the_protocol_holds_on_every_seed[0]",
    "tests/simulation/test_simulation.py::test_nothing_stays_planted",
    "tests/contract/test_batches.py",
    "tests/contract/test_failures.py",
    "tests/contract/test_faust.py",
    "tests/contract/test_promises.py",
    "tests/e2e/test_fills_count_once.py",
    "tests/integration/agents/",
    "tests/integration/api/test_client.py",
    "tests/integration/api/test_ingress.py",
    "tests/integration/api/test_queries.py",
    "tests/integration/streams/test_group.py",
    "tests/integration/streams/test_log.py",
    "tests/library/test_admin.py",
    "tests/library/test_cli.py",
    "tests/library/test_laws.py",
)
"""Beginnings of the ids of tests in the quick slice; slow tests and those on Kafka never are."""
ON_EACH_PYTHON = (
    "tests/unit/agents/",
    "tests/unit/client/",
    "tests/unit/deploy/test_cli.py",
    "tests/unit/deploy/test_logs.py",
    "tests/unit/deploy/test_settings.py",
    "tests/unit/streams/",
    "tests/unit/tables/",
    "tests/contract/test_promises.py",
    "tests/integration/api/test_client.py",
    "tests/integration/streams/test_log.py",
    "tests/e2e/test_fills_count_once.py",
)
"""The slice that runs on every other Python: each of our rooms, by what runs it and waits for little.

These are the rules, tables, events, log and driver, an API with its client, commands, settings and logs, and one test
of the whole product. Laws, documents and types say the same on every Python, so the main run alone checks them.
"""

ON_ONE_DEMO = "tests/docs/test_snippets.py::test_the_commands_of_a_page_do_what_they_should"
"""Tests that share one demo when they run in one process."""


def add_option(parser: pytest.Parser) -> None:
    """Add `--quick` to pytest."""
    parser.addoption("--quick", action="store_true", help="run only the slice of the tests for the inner loop")
    parser.addoption("--on-each-python", action="store_true", help="run only what other Pythons could break")


def arrange(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the selected slice, and order it so that several processes finish at about the same time."""
    starts = _starts(config)
    if starts:
        _keep(config, items, [item for item in items if _is_in_slice(item, starts)])
    _sample(items)
    for item in items:
        if "running" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group("running"))
        if item.nodeid.startswith(ON_ONE_DEMO):
            item.add_marker(pytest.mark.xdist_group("demo"))
        _name_its_group(item, config)
    # The sort is stable: within each half, the order stays random.
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


def keep_in_one_process(items: Iterable[pytest.Item], folder: Path) -> None:
    """Run all tests of a folder in one process, so that one server serves them. Call this before `arrange`."""
    for item in items:
        if item.path.is_relative_to(folder):
            item.add_marker(pytest.mark.xdist_group(folder.name))


def _sample(items: Iterable[pytest.Item]) -> None:
    """Mark the cases that CI leaves out as heavy: of a sampled test all but some, of a test on two databases one.

    The names of the cases decide, so that every run takes the same ones. PostgreSQL costs twice the CPU of SQLite, and
    gets a quarter of the tests on two databases.
    """
    families: dict[tuple[str, int], list[pytest.Item]] = defaultdict(list)
    on_two_databases: dict[str, dict[str, pytest.Item]] = defaultdict(dict)
    for item in items:
        sample = item.get_closest_marker("sample")
        if sample:
            families[item.nodeid.partition("[")[0], sample.args[0]].append(item)
        elif database := _database(item):
            on_two_databases[item.nodeid.replace(database, "", 1)][database] = item
    for (_, size), cases in families.items():
        for case in sorted(cases, key=_by_lot)[size:]:
            case.add_marker(pytest.mark.heavy)
    for name, pair in on_two_databases.items():
        if len(pair) > 1:
            pair["sqlite" if crc32(name.encode()) % 4 == 0 else "postgresql"].add_marker(pytest.mark.heavy)


def _by_lot(item: pytest.Item) -> int:
    return crc32(item.nodeid.encode())


def _database(item: pytest.Item) -> str | None:
    """Return on which database an API or a process runs in a test. Tests of the store itself run on both."""
    parameters = item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}
    database = parameters.get("database_url") or parameters.get("empty_database_url")
    return str(database) if database and "store" not in getattr(item, "fixturenames", ()) else None


def _name_its_group(item: pytest.Item, config: pytest.Config) -> None:
    """Append the group of a test to its id, by which xdist keeps the group in one process.

    xdist 3.8 does this itself, in an attribute that pytest 9.2 no longer has.
    """
    group = item.get_closest_marker("xdist_group")
    if group and config.getoption("loadgroup", default=False):
        item._id = type(item.id).parse(f"{item.nodeid}@{group.args[0]}")


def is_left_out(path: Path, config: pytest.Config) -> bool:
    """Return whether the slice needs nothing of a file or directory, so that it need not be collected."""
    starts = _starts(config)
    if not starts or not path.is_relative_to(config.rootpath):
        return False
    name = path.relative_to(config.rootpath).as_posix()
    files = (start.partition("::")[0] for start in starts)
    return not any(name.startswith(file) or file.startswith(name) for file in files)


def _starts(config: pytest.Config) -> tuple[str, ...]:
    """Return the beginnings of the ids of the tests in the selected slice; nothing when all tests run."""
    if config.getoption("--on-each-python"):
        return ON_EACH_PYTHON
    return QUICK if config.getoption("--quick") else ()


def _is_in_slice(item: pytest.Item, starts: tuple[str, ...]) -> bool:
    excluded = item.get_closest_marker("slow") or item.get_closest_marker("kafka")
    return not excluded and item.nodeid.startswith(starts)


def _keep(config: pytest.Config, items: list[pytest.Item], kept: Sequence[pytest.Item]) -> None:
    dropped = [item for item in items if item not in set(kept)]
    if dropped:
        config.hook.pytest_deselected(items=dropped)
    items[:] = kept
