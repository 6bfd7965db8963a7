"""The code's own laws: import direction between rooms, no float near money, one clock, one writer, no long files."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = {
    "streams": set(),
    "tables": {"streams"},
    "agents": {"tables", "streams"},
    "api": {"tables", "streams"},
    "contracts": {"streams"},
    "deploy": {"streams", "tables", "agents", "api", "contracts"},
}
LINES_MAX = 400


def modules(*rooms: str) -> Iterator[tuple[Path, ast.Module]]:
    for room in rooms:
        for path in sorted((ROOT / room).rglob("*.py")):
            yield path.relative_to(ROOT), ast.parse(path.read_text())


def imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module


@pytest.mark.parametrize("room", ROOMS)
def test_imports_point_one_way(room: str) -> None:
    for path, tree in modules(room):
        for name in imported(tree):
            other = name.partition(".")[0]
            assert other not in ROOMS or other == room or other in ROOMS[room], f"{path} imports {name}"


def test_rules_know_nothing_of_faust_or_the_clock() -> None:
    wiring = {"agent.py", "wiring.py", "registry.py"}
    for path, tree in modules("agents"):
        if path.name not in wiring:
            assert not {n.partition(".")[0] for n in imported(tree)} & {"faust", "time", "random", "asyncio"}, path


def test_no_rule_or_row_uses_a_float() -> None:
    """The rank score of a standing is the one exception: it only orders."""
    for path, tree in modules("agents", "tables"):
        for node in ast.walk(tree) if path.name != "rank_score.py" else ():
            literal = isinstance(node, ast.Constant) and isinstance(node.value, float)
            named = isinstance(node, ast.Name) and node.id == "float"
            assert not literal, f"{path}:{getattr(node, 'lineno', '?')} has a float"
            assert not named, f"{path}:{getattr(node, 'lineno', '?')} names float"


def test_only_the_log_writes_streams() -> None:
    for path, tree in modules(*ROOMS):
        words = {
            node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)
        }
        attributes = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        assert "XADD" not in words, path
        assert "xadd" not in attributes, path


def test_the_api_reads_the_wall_clock_in_one_place() -> None:
    for path, tree in modules("api", "tables", "agents"):
        calls = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
        assert path.name == "clock.py" or not calls & {"time.time", "time.time_ns", "datetime.now"}, path


def test_no_file_is_too_long_to_read() -> None:
    for path, _ in modules(*ROOMS, "tests"):
        lines = len((ROOT / path).read_text().splitlines())
        assert lines <= LINES_MAX, f"{path} has {lines} lines"


def test_the_api_loads_neither_faust_nor_alembic_nor_starknet() -> None:
    """They take more time than all else when a process starts, and most commands and requests need none of them."""
    slow = ("faust", "alembic", "starknet_py", "sympy")
    asked = f"import sys, api.app, deploy.cli.main; print([one for one in {slow} if one in sys.modules])"
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"


def test_only_tests_use_the_testing_kit() -> None:
    for path, tree in modules(*ROOMS):
        if "testing" not in path.parts:
            assert not any(name.startswith("faust_redis.testing") for name in imported(tree)), path
