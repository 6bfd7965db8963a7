"""Test which tests the quick slice keeps, and the order in which tests start."""

from __future__ import annotations

import functools
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.selection import ON_EACH_PYTHON, QUICK

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.xdist_group("selection")  # they share what was collected


@pytest.mark.parametrize("start", sorted({*QUICK, *ON_EACH_PYTHON}))
def test_everything_named_for_a_slice_exists(start: str) -> None:
    file, _, name = start.partition("::")
    assert (ROOT / file).exists()
    if name:
        assert f"def {name.partition('[')[0]}(" in (ROOT / file).read_text("utf-8")


SLOW = ("e2e/test_shards.py", "e2e/test_resize.py", "test_logs.py::test_every_line_of_api_and_worker")
"""The slow tests of the directories that are collected here."""


@functools.cache
def collected(*arguments: str) -> list[str]:
    """Return the names of the tests that are collected in two directories."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", *arguments, "tests/contract", "tests/e2e"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return [line for line in done.stdout.splitlines() if "::" in line]


WHOLE = "tests/e2e/test_fills_count_once.py"
"""The one test of the whole product in the slices."""


def is_left_out(name: str) -> bool:
    """Return whether a test runs on Kafka, or on a whole product other than that of one test."""
    return "tansu" in name or "noida" in name or ("tests/e2e" in name and WHOLE not in name)


@pytest.mark.heavy
def test_the_quick_slice_has_neither_slow_tests_nor_those_on_kafka() -> None:
    quick = collected("--quick")
    assert any("test_promises.py" in name for name in quick)
    assert [name for name in quick if is_left_out(name)] == []


@pytest.mark.heavy
def test_other_pythons_run_a_part_of_the_quick_slice() -> None:
    assert [start for start in ON_EACH_PYTHON if not start.startswith(QUICK)] == []
    other = collected("--on-each-python")
    assert set(other) < set(collected())
    assert any("test_promises.py" in name for name in other)
    assert [name for name in other if is_left_out(name)] == []
    assert any(WHOLE in name for name in other)


def test_slow_tests_start_first_in_any_random_order() -> None:
    slow = [any(one in name for one in SLOW) for name in collected()]
    assert slow.index(False) == slow.count(True) > 0


CONFTEST = """
from tests import selection

def pytest_addoption(parser):
    selection.add_option(parser)

def pytest_collection_modifyitems(config, items):
    selection.arrange(config, items)
"""
GROUPS = """
import pytest

@pytest.mark.parametrize("number", range(6))
@pytest.mark.parametrize("group", [pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in "ab"])
def test_it(number, group):
    pass
"""


def test_tests_of_a_group_run_in_one_process(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "test_groups.py").write_text(GROUPS)
    options = ("-v", "-p", "xdist", "-n", "2", "--dist", "loadgroup", "-p", "no:cacheprovider")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    ran = re.findall(r"\[(gw\d)\].* PASSED .*@([ab])", done.stdout)
    assert len(ran) == 12
    assert len(set(ran)) == 2, "each group has one process"


FAMILIES = """
import pytest

@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request):
    return request.param

@pytest.fixture
def store(database_url):
    pass

@pytest.mark.sample(2)
@pytest.mark.parametrize("seed", range(9))
def test_seeds(seed):
    pass

@pytest.mark.parametrize("number", range(4))
def test_an_api(number, database_url):
    pass

def test_the_store(store):
    pass
"""


def ran(folder: Path, *arguments: str) -> list[str]:
    """Return the names of the tests that ran in a folder."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-v", "-p", "no:cacheprovider", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    return re.findall(r"::(\S+) PASSED", done.stdout)


def test_a_sample_of_a_family_and_one_database_run_in_ci(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "test_families.py").write_text(FAMILIES)
    here, whole = ran(tmp_path, "-m", "not heavy"), ran(tmp_path)
    assert (len(here), len(whole)) == (2 + 4 + 2, 9 + 8 + 2)
    assert here == ran(tmp_path, "-m", "not heavy"), "every run takes the same"
    numbers = [int(name.split("-")[-1].rstrip("]")) for name in here if "test_an_api" in name]
    assert sorted(numbers) == [0, 1, 2, 3], "each runs on one database"
    assert ran(tmp_path, "-m", "not heavy", f"test_families.py::{min(set(whole) - set(here))}")
