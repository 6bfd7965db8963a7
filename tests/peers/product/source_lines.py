"""The size of a contestant's program: lines with code, without comments, docstrings and blank lines."""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Iterable
from pathlib import Path

from tests.peers.product.contestants import OURS, Contestant, Job
from tests.source import ROOT

APPS = Path(__file__).parent / "apps"
RULES = {"first": ["rules"], "windows": ["rules", "windows"]}
OUR_ROOMS = ("agents", "tables")
NO_CODE = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}


def lines_of(who: Contestant, job: Job) -> int:
    """Return the lines of a contestant: a peer's modules with the shared rules; our rules, rows and agents."""
    if who == OURS:
        return code_lines(path for room in OUR_ROOMS for path in (ROOT / room).rglob("*.py"))
    return code_lines(APPS / f"{name}.py" for name in {who.app, who.module(job), *RULES[job]})


def code_lines(paths: Iterable[Path]) -> int:
    """Return how many lines of some modules have code."""
    return sum(len(_code(path.read_text())) for path in paths)


def _code(source: str) -> set[int]:
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in NO_CODE:
            lines.update(range(token.start[0], token.end[0] + 1))
    return lines - _docstrings(source)


def _docstrings(source: str) -> set[int]:
    """Return the lines of all expressions that are only a text, as docstrings are."""
    return {
        line
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    }
