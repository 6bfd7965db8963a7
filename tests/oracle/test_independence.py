import ast
import sys
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).parent
ROOMS = {"streams", "tables", "agents", "api", "contracts", "deploy"}


def imported_modules(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "." * node.level + (node.module or "")


def is_allowed(module: str) -> bool:
    root = module.split(".", maxsplit=1)[0]
    return module.startswith("tests.oracle.") or (root in sys.stdlib_module_names and root != "importlib")


def oracle_sources() -> list[Path]:
    return [path for path in HERE.glob("*.py") if not path.name.startswith("test_")]


def test_the_oracle_imports_the_standard_library_and_itself_only() -> None:
    assert len(oracle_sources()) > 5
    for path in oracle_sources():
        for module in imported_modules(path.read_text()):
            assert is_allowed(module), f"{path.name} imports {module}"


def test_the_oracles_own_tests_use_nothing_of_the_project() -> None:
    for path in HERE.glob("test_*.py"):
        assert not ROOMS & {module.split(".")[0] for module in imported_modules(path.read_text())}
