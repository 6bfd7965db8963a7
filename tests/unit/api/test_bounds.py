"""Each call that the API makes to another process has a bound, because it goes through a client that sets one."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import api

ROOT = Path(api.__file__).parents[1]
UNBOUNDED = frozenset({"aiohttp", "httpx", "redis", "requests"})
"""Clients that wait without a bound unless each call names one. The log and the engine of the database set theirs."""

KNOW_ASYNCPG = {"api/identity/store/engine.py", "api/identity/store/reporting.py"}
"""The first opens connections to a database, and names all bounds. The second knows the errors."""
KNOWS_HTTPX = "api/identity/wallets/node.py"
"""It gives all its calls one bound (`test_a_node_that_hangs_is_given_up_within_the_bound`)."""


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.partition(".")[0]


def modules() -> list[Path]:
    """Return the modules of the API process; the client for Python is a distribution of its own."""
    rooms = [path for room in ("api", "tables") for path in sorted((ROOT / room).rglob("*.py"))]
    return [path for path in rooms if "astratrade-client" not in path.parts]


def test_the_api_calls_brokers_and_databases_through_clients_with_bounds_only() -> None:
    paths = modules()
    assert len(paths) > 80
    for path in paths:
        place = str(path.relative_to(ROOT))
        unbounded = UNBOUNDED & set(imports(path)) - ({"httpx"} if place == KNOWS_HTTPX else set())
        assert not unbounded, f"{place} imports a client that waits without a bound"
        assert "asyncpg" not in imports(path) or place in KNOW_ASYNCPG, place
        assert place.endswith("engine.py") or "asyncpg.connect" not in path.read_text(), place


def test_the_api_asks_the_broker_through_the_log_which_bounds_each_answer() -> None:
    for path in modules():
        reached = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Attribute)]
        assert not [node for node in reached if node.attr == "redis"], f"{path} asks the broker without the log's bound"
