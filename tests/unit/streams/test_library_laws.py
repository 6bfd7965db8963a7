"""Laws of the library's structure: no import cycle, and only one file uses private members of Faust and asyncio."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.import_graph import LIBRARY_PATH, cycle, library_modules

DRIVER = LIBRARY_PATH / "driver"
INTERNALS = DRIVER / "faust_internals.py"
TESTING = LIBRARY_PATH / "testing"
"""The testing kit runs Faust apps in virtual time and has one such file of its own; no worker imports it."""

ADAPTERS = {
    "driver/telemetry.py",  # It derives from Faust's sensor.
    "driver/failures/restarts.py",  # It derives from mode's supervisor.
    "driver/faust_api/consumer.py",
    "driver/faust_api/group_member.py",
    "driver/faust_api/producer.py",
    "driver/faust_api/stream.py",
    "driver/faust_api/transactions.py",
    "driver/faust_api/transport.py",
    "driver/sending/fast_topics.py",
    "driver/state/fast_tables.py",
    "rocksdb/store.py",
    "typed.py",
}
"""Files whose classes derive from Faust's or mode's. They may use, on themselves, what their bases declare."""

FOREIGN = ("faust", "mode", "asyncio")


def files() -> Iterator[tuple[str, ast.Module]]:
    for path in sorted(LIBRARY_PATH.rglob("*.py")):
        if path != INTERNALS and TESTING not in path.parents:
            yield str(path.relative_to(LIBRARY_PATH)), ast.parse(path.read_text())


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.endswith("__")


def is_own(node: ast.expr) -> bool:
    """Return whether an expression is the object itself, its class or its base."""
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Name) and node.func.id == "super"
    return isinstance(node, ast.Name) and node.id in {"self", "cls"}


def offences(tree: ast.Module) -> Iterator[str]:
    """Yield the uses in a file that only `faust_internals` may contain."""
    for node in ast.walk(tree):
        line = getattr(node, "lineno", 0)
        if isinstance(node, ast.Attribute) and is_private(node.attr) and not is_own(node.value):
            yield f"{line}: touches {ast.unparse(node)}"
        elif isinstance(node, ast.Attribute) and node.attr == "__class__" and isinstance(node.ctx, ast.Store):
            yield f"{line}: gives an object another class"
        elif isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] in FOREIGN:
            yield from (f"{line}: imports {alias.name}" for alias in node.names if is_private(alias.name))
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            named = [arg.value for arg in node.args[1:2] if isinstance(arg, ast.Constant) and type(arg.value) is str]
            if node.func.id in {"getattr", "setattr", "delattr"} and any(map(is_private, named)):
                yield f"{line}: {ast.unparse(node)}"


def foreign_bases(tree: ast.Module) -> set[str]:
    """Return the classes of Faust, mode or asyncio that a file derives from."""
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            names |= {alias.asname or alias.name: node.module or "" for alias in node.names}
        elif isinstance(node, ast.Import):
            names |= {alias.asname or alias.name: alias.name for alias in node.names}
    bases = [base for node in ast.walk(tree) if isinstance(node, ast.ClassDef) for base in node.bases]
    roots = {ast.unparse(base).partition("[")[0].partition(".")[0] for base in bases}
    return {root for root in roots if names.get(root, "").partition(".")[0] in {"faust", "mode"}}


def test_no_module_of_the_library_is_in_an_import_circle() -> None:
    """Imports inside of functions and for type checking count, too."""
    assert cycle(library_modules()) == []


@pytest.mark.parametrize(("file", "tree"), list(files()), ids=lambda each: each if isinstance(each, str) else "")
def test_one_file_touches_what_faust_keeps_private(file: str, tree: ast.Module) -> None:
    assert list(offences(tree)) == [], file


def test_the_files_that_derive_from_fausts_classes_are_known() -> None:
    # These are an error and messages: data without behaviour.
    plain = {"FaustError", "FutureMessage", "ConsumerMessage"}
    deriving = {file for file, tree in files() if foreign_bases(tree) - plain}
    assert deriving == ADAPTERS


def test_no_worker_imports_the_testing_kit() -> None:
    for module, found in library_modules().items():
        if not module.startswith("faust_redis.testing"):
            assert not [name for name in found if name.startswith("faust_redis.testing")], module


def test_only_the_composition_and_the_adapters_know_faust_api() -> None:
    for module, found in library_modules().items():
        inside = module.startswith(("faust_redis.driver.faust_api", "faust_redis.testing")) or module in {
            "faust_redis.driver",
            "faust_redis.batches",
        }
        assert inside or not [name for name in found if name.startswith("faust_redis.driver.faust_api")], module


@pytest.mark.parametrize(
    "source",
    [
        "app.tables._changelogs",
        "self.app._x",
        "x.__class__ = Y",
        "from faust.streams import _current_event",
        "getattr(found, '_callbacks', None)",
        "setattr(conf, '_Stream', cls)",
    ],
)
def test_an_offence_is_found(source: str) -> None:
    assert list(offences(ast.parse(source)))


def test_use_of_an_objects_own_members_is_no_offence() -> None:
    assert not list(offences(ast.parse("class A(B):\n    def f(self):\n        return self._x + super()._y()\n")))


def test_the_laws_look_at_the_whole_library() -> None:
    assert len(list(files())) > 60
    assert Path(INTERNALS).exists()
