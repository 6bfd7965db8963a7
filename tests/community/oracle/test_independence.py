import sys
from pathlib import Path

from tests.oracle.test_independence import ROOMS, imported_modules

HERE = Path(__file__).parent
FRIENDS = ("tests.oracle.", "tests.community.oracle", "tests.community.journal")


def is_allowed(module: str) -> bool:
    root = module.split(".", maxsplit=1)[0]
    return module.startswith(FRIENDS) or (root in sys.stdlib_module_names and root != "importlib")


def test_the_oracle_imports_the_standard_library_the_journal_and_itself_only() -> None:
    sources = [path for path in HERE.rglob("*.py") if not path.name.startswith("test_")]
    assert len(sources) > 6
    for path in [*sources, HERE.with_name("journal.py")]:
        for module in imported_modules(path.read_text()):
            assert is_allowed(module), f"{path.name} imports {module}"


def test_the_oracles_own_tests_use_nothing_of_the_product() -> None:
    for path in HERE.rglob("test_*.py"):
        assert not ROOMS & {module.split(".")[0] for module in imported_modules(path.read_text())}
