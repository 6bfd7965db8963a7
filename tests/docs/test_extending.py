"""docs/extending.md is right: its files and its one line work in a copy of the source tree."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.snippets import snippets
from tests.source import ROOT

PAGE = ROOT / "docs" / "extending.md"
ROOMS = ("streams", "tables", "agents", "api", "deploy")
LIBRARY = "faust-redis"
COMMAND_S = 180.0
TEST = "tests/test_referrals.py"
MODULES = {"streams/events/referrals.py", "tables/referrals.py", "agents/referrals/agent.py", "api/referrals.py"}


def files() -> Iterator[tuple[str, str]]:
    """Return the files of the page: path and text."""
    for snippet in snippets(PAGE):
        if snippet.language == "python":
            first, _, rest = snippet.text.partition("\n")
            yield first.removeprefix("# "), rest + "\n"


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the source tree with the page's files and its one line."""
    directory = tmp_path_factory.mktemp("extended")
    ignore = shutil.ignore_patterns(LIBRARY, "__pycache__")
    for room in ROOMS:
        shutil.copytree(ROOT / room, directory / room, ignore=ignore)
    for name, text in files():
        path = directory / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")
    [line] = [snippet.text for snippet in snippets(PAGE) if snippet.language == "text"]
    domains = directory / "tables" / "domains.py"
    domains.write_text(domains.read_text("utf-8").replace("NAMES: Final = (\n", f"NAMES: Final = (\n{line}\n"), "utf-8")
    return directory


def run(tree: Path, *arguments: str) -> str:
    library = str(ROOT / "streams" / LIBRARY / "src")
    done = subprocess.run(
        [sys.executable, *arguments],
        env={
            "PYTHONPATH": os.pathsep.join((str(tree), library)),
            "MYPYPATH": library,
            "PATH": os.environ["PATH"],
            "HOME": str(tree),
        },
        cwd=tree,
        capture_output=True,
        text=True,
        timeout=COMMAND_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_domain_is_four_modules_and_one_line() -> None:
    assert {name for name, _ in files()} == {*MODULES, TEST}
    [line] = [snippet.text for snippet in snippets(PAGE) if snippet.language == "text"]
    assert re.fullmatch(r" +\"referrals\",", line)


def test_the_new_domain_works(tree: Path) -> None:
    assert "2 passed" in run(tree, "-m", "pytest", "-q", "-p", "no:cacheprovider", TEST)


def test_the_new_domain_is_in_the_topology_and_the_api(tree: Path) -> None:
    shown = run(tree, "-m", "deploy.cli.main", "topology")
    assert "referrals  (group astratrade-referrals)" in shown
    assert "--domain [referrals|trading" in run(tree, "-m", "deploy.cli.main", "worker", "--help")
    program = (
        "from api.app import create_app; from api.config import ApiConfig\n"
        "config = ApiConfig(log_url='redis://localhost', jwt_secret='s' * 32, markets=frozenset({'BTC'}), "
        "late_grace_h=24, rules_version=1, rulebook='1-a')\n"
        "print(*create_app(config).openapi()['paths'])"
    )
    paths = run(tree, "-c", program).split()
    assert {"/v1/referral", "/v1/users/{user_id}/referral", "/v1/feed/referrals"} <= set(paths)


def test_the_page_is_well_typed(tree: Path) -> None:
    options = ("--config-file", str(ROOT / "pyproject.toml"), "--follow-imports=silent")
    run(tree, "-m", "mypy", *options, *sorted(MODULES))
