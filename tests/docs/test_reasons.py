"""The pages name every reason for which the rules reject a command."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
REASON = re.compile(r"[a-z]+(_[a-z]+)+")
REJECTING = {"Refusal", "_no", "_refusal", "rejected", "rejected_close", "rejected_open"}
DECIDING = re.compile(r"_why_|_taken|refuse_")


def reasons(package: str) -> set[str]:
    """Return the reasons in the modules of a package: what its rejections are called with, and why-functions return."""
    trees = [ast.parse(path.read_text()) for path in (ROOT / package).glob("*.py")]
    found = [part.value for tree in trees for part in _parts(tree) if isinstance(part, ast.Constant)]
    return {value for value in found if isinstance(value, str) and REASON.fullmatch(value)}


def _parts(tree: ast.AST) -> Iterator[ast.AST]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in REJECTING:
            for argument in node.args:
                yield from ast.walk(argument)
        if isinstance(node, ast.FunctionDef) and DECIDING.match(node.name):
            for inner in ast.walk(node):
                yield from ast.walk(inner) if isinstance(inner, ast.Return) else ()


@pytest.mark.parametrize(
    ("package", "page", "known"),
    [
        ("agents/trading", "rules.md", "insufficient_balance"),
        ("agents/social/constellations", "constellations.md", "constellation_full"),
        ("agents/social/battles", "constellations.md", "no_such_challenge"),
    ],
)
def test_the_page_of_a_domain_names_every_reason_of_its_rejections(package: str, page: str, known: str) -> None:
    rows = [line.split("|")[1] for line in (ROOT / "docs" / page).read_text().splitlines() if line.startswith("| `")]
    found, told = reasons(package), " ".join(rows)
    assert known in found
    assert {reason for reason in found if f"`{reason}`" not in told} == set()
