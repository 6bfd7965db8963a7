"""Laws of the library: it never names or imports the product, and only the library names keys of the log."""

from __future__ import annotations

import ast
import importlib.metadata
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
LIBRARY = ROOT / "streams/faust-redis"
PACKAGE = LIBRARY / "src/faust_redis"
PRODUCT = ("streams", "tables", "agents", "api", "contracts", "deploy")
MODULE_OF = {"faust-streaming": "faust", "mode-streaming": "mode", "rocksdict": "rocksdict"}
"""Distributions whose module has another name."""

KEY_NAMES = re.compile(r"\b(log|_log|shard|own|views|broker|client)\.keys\b|faust_redis\.log\.keys")
KEY_ROOMS = {"log", "admin", "resizing", "testing"}
"""Packages of the library that name keys; `testing` models the server."""

MAY_NAME_KEYS = {
    *("tables/reader.py", "tables/shard_reads.py", "tables/rankings.py", "tables/history.py", "deploy/lineage.py"),
    *("deploy/admin/doctor/capacity.py", "deploy/bench/memory.py"),
    *("api/kit/feeds/tickets.py", "api/limits/buckets.py"),
}
"""The readers of snapshots and rankings, what measures the memory of streams, and what API processes share for seconds:
feed tickets and rate limits."""


def imports(directory: Path) -> Iterator[tuple[Path, str]]:
    for path in sorted(directory.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                yield from ((path, alias.name.partition(".")[0]) for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                yield path, node.module.partition(".")[0]


def module(requirement: str) -> str:
    name = re.split(r"[^A-Za-z0-9_.-]", requirement)[0]
    return MODULE_OF.get(name, name.replace("-", "_"))


def requirements() -> set[str]:
    """Return the modules of everything that the library's project file declares."""
    project = tomllib.loads((LIBRARY / "pyproject.toml").read_text())["project"]
    declared = [*project["dependencies"], *(r for extra in project["optional-dependencies"].values() for r in extra)]
    return {module(requirement) for requirement in declared}


def requirements_of_faust() -> set[str]:
    """Return the modules that Faust itself requires, which are installed in the version that Faust needs."""
    required = [text for text in importlib.metadata.requires("faust-streaming") or () if "extra ==" not in text]
    return {module(text) for text in required}


def test_the_library_imports_nothing_of_the_product() -> None:
    for path, name in imports(LIBRARY):
        assert name not in {*PRODUCT, "tests"}, f"{path} imports {name}"


def test_the_library_imports_what_it_declares_and_declares_what_it_imports() -> None:
    foreign = {name for _, name in imports(PACKAGE) if name not in sys.stdlib_module_names} - {"faust_redis"}
    own = requirements()
    assert own <= foreign, f"declared and not imported: {own - foreign}"
    assert foreign <= own | requirements_of_faust(), f"imported and not declared: {foreign - own}"


def test_the_library_does_not_name_the_product() -> None:
    files = [path for path in LIBRARY.rglob("*") if path.is_file() and path.suffix != ".pyc"]
    assert len(files) > 50
    for path in files:
        assert "astra" not in path.read_text("utf-8").lower(), path


def test_in_the_library_only_the_log_and_its_administration_name_keys() -> None:
    others = [path for path in PACKAGE.rglob("*.py") if path.relative_to(PACKAGE).parts[0] not in KEY_ROOMS]
    assert len(others) > 30
    assert not [path for path in others if KEY_NAMES.search(path.read_text())]


def test_only_the_library_names_keys_of_the_log() -> None:
    rooms = [path for room in PRODUCT for path in (ROOT / room).rglob("*.py") if LIBRARY not in path.parents]
    naming = {str(path.relative_to(ROOT)) for path in rooms if KEY_NAMES.search(path.read_text())}
    assert naming == MAY_NAME_KEYS


def test_every_script_lets_a_cluster_refuse_keys_of_another_slot() -> None:
    scripts = list(PACKAGE.rglob("*.lua"))
    assert scripts
    for script in scripts:
        first = script.read_text("utf-8").partition("\n")[0]
        assert re.fullmatch(r"#!lua( flags=(no-writes|allow-oom))?", first), script.name
