"""The pages' claims hold: each row of a failure table names a test, and every named test and link exists."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.simulation.defects import DEFECTS

ROOT = Path(__file__).parents[2]
PAGES = sorted([*(ROOT / "docs").rglob("*.md"), ROOT / "README.md", ROOT / "streams/faust-redis/README.md"])
MECHANISMS = ("log", "groups", "commit", "tables", "dead-letters", "kafka", "limits", "outbox", "order")


def known_tests() -> set[str]:
    found = set()
    for path in (ROOT / "tests").rglob("test_*.py"):
        found |= set(re.findall(r"def (test_\w+)", path.read_text("utf-8")))
        found.add(path.name.removesuffix(".py"))
    return found


def failure_rows(page: Path) -> Iterator[list[str]]:
    """Yield the rows of a page's failure tables: those whose header ends with `Test`."""
    inside = False
    for line in page.read_text("utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")] if line.startswith("|") else []
        if not cells:
            inside = False
        elif cells[-1] == "Test":
            inside = True
        elif inside and not set(cells[0]) <= set("-: "):
            yield cells


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_test_that_a_page_names_exists(page: Path) -> None:
    known = known_tests()
    for name in re.findall(r"`(?:tests/[\w/]+/)?(test_\w+?)(?:\.py)?`", page.read_text("utf-8")):
        assert name in known, f"{page.name} names {name}"
    for name in re.findall(r"`((?:tests|streams|tables|agents|api|deploy)/[\w./-]+)`", page.read_text("utf-8")):
        assert (ROOT / name).exists(), f"{page.name} names {name}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_program_that_a_page_names_exists(page: Path) -> None:
    for name in re.findall(r"python -m ((?:tests|contracts|deploy)[\w.]*\w)", page.read_text("utf-8")):
        path = ROOT / name.replace(".", "/")
        assert path.with_suffix(".py").exists() or (path / "__main__.py").exists(), f"{page.name} names {name}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_page_that_a_page_links_to_exists(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text("utf-8")):
        assert (page.parent / target).exists(), f"{page.name} links to {target}"


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_each_row_of_a_failure_table_names_its_test(mechanism: str) -> None:
    rows = list(failure_rows(ROOT / "docs" / f"{mechanism}.md"))
    assert len(rows) >= 5
    last = ""
    for cells in rows:
        shown = last if cells[-1] == "same" else cells[-1]
        defects = re.findall(r"planted defect `(\w+)`", shown)
        assert "test_" in shown or ".py`" in shown or defects, f"{mechanism}: {cells[0]} names no test"
        assert set(defects) <= set(DEFECTS), f"{mechanism}: {cells[0]} names an unknown defect"
        last = shown


def test_the_page_of_the_simulation_lists_every_planted_defect() -> None:
    named = set(re.findall(r"^\| `(\w+)` \|", (ROOT / "docs" / "simulation.md").read_text("utf-8"), re.MULTILINE))
    assert named == set(DEFECTS)
