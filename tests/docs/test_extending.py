"""docs/extending.md is right: its files and its one line work in a copy of the source tree."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from tests.docs.snippets import snippets
from tests.source import ROOT

PAGE = ROOT / "docs" / "extending.md"
ROOMS = ("streams", "tables", "agents", "api", "contracts", "deploy")
LIBRARY = "faust-redis"
COMMAND_S = 180.0
MYPY_OPTIONS = ("--config-file", str(ROOT / "pyproject.toml"))
MYPY_CACHE = ".mypy_cache"
"""What mypy knows of this checkout is true for a copy, too, so the copy's new files are checked in seconds."""
TEST = "tests/test_referrals.py"
MODULES = {"streams/events/referrals.py", "tables/referrals.py", "agents/referrals/agent.py", "api/referrals.py"}

EVENT = """

class ReferrerThanked(EventData, frozen=True, kw_only=True):
    \"\"\"A referrer was thanked for a claim.\"\"\"

    domain: ClassVar[str] = "referrals"

    referrer: UserId
"""
CLAIMED = "[event.then(ReferralClaimed(referrer=event.data.referrer))]"
THANKED = "[event.then(kind(referrer=event.data.referrer)) for kind in (ReferralClaimed, ReferrerThanked)]"
EVENT_PLACES: Mapping[str, Sequence[tuple[str, str]]] = {
    "streams/events/referrals.py": [("    amount_usd: Usd\n", f"    amount_usd: Usd\n{EVENT}")],
    "agents/referrals/agent.py": [(CLAIMED, THANKED), ("ReferralEarned\n", "ReferralEarned, ReferrerThanked\n")],
}
"""The two places of a new event, and what changes in each: old text and new text."""
EVENT_TEST = """
import faust
from faust_redis.testing import TestDriver
from agents.registry import register
from agents.rulebook import packaged_rulebook
from agents.wiring import raw_topic
from streams.events import decode
from streams.events.recent import Recent
from streams.events.referrals import ClaimReferral, ReferralClaimed, ReferrerThanked
from tables.domains import TOPOLOGY
from tables.referrals import COMMANDS, EVENTS
from tests.test_referrals import event

def test_the_handler_returns_the_new_event():
    app = faust.App(TOPOLOGY.group("demo", "referrals"), broker="redis://localhost", topic_partitions=4)
    register(app, "referrals", packaged_rulebook(), Recent(), at_least_once=False)
    with TestDriver(app) as driver:
        driver.pipe(raw_topic(app, COMMANDS), key=b"bob", value=event(ClaimReferral(referrer="ada")))
        found = [decode(record.value).data for record in driver.read(raw_topic(app, EVENTS))]
        assert found == [ReferralClaimed(referrer="ada"), ReferrerThanked(referrer="ada")]
        assert driver.dead_letters() == []
"""

pytestmark = pytest.mark.xdist_group("extending")


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
    (directory / "streams" / LIBRARY).symlink_to(ROOT / "streams" / LIBRARY)
    if (ROOT / MYPY_CACHE).exists():
        shutil.copytree(ROOT / MYPY_CACHE, directory / MYPY_CACHE)
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
        "from agents.rulebook import packaged_rulebook; from deploy.rulebook import public_rules\n"
        "config = ApiConfig(log_url='redis://localhost', secret='s' * 32, rules=public_rules(packaged_rulebook()), "
        "database_url='sqlite:////x', rulebook='1-a')\n"
        "print(*create_app(config).openapi()['paths'])"
    )
    paths = run(tree, "-c", program).split()
    assert {"/v1/referral", "/v1/users/{user_id}/referral", "/v1/feed/referrals"} <= set(paths)


@pytest.fixture
def tree_with_event(tree: Path, tmp_path: Path) -> Path:
    """Return a copy of the extended tree with one event more, added in two places."""
    shutil.copytree(tree, copied := tmp_path / "tree", ignore=shutil.ignore_patterns("__pycache__"), symlinks=True)
    for name, changes in EVENT_PLACES.items():
        path = copied / name
        text = path.read_text("utf-8")
        for old, new in changes:
            assert text.count(old) == 1, f"{name} has {old!r} {text.count(old)} times"
            text = text.replace(old, new)
        path.write_text(text, "utf-8")
    return copied


def test_a_new_event_is_two_places(tree_with_event: Path) -> None:
    """Check that the class and the handler suffice: the event is sent, decoded, and part of the AsyncAPI document."""
    assert {place.partition("/")[0] for place in EVENT_PLACES} == {"streams", "agents"}
    assert len(EVENT_PLACES) == 2
    (tree_with_event / "tests/test_event.py").write_text(EVENT_TEST, "utf-8")
    assert "3 passed" in run(
        tree_with_event, "-m", "pytest", "-q", "-p", "no:cacheprovider", TEST, "tests/test_event.py"
    )
    document = json.loads(run(tree_with_event, "-m", "deploy.cli.main", "topology", "--format", "asyncapi"))
    name = "astra.referrals.ReferrerThanked.v1"
    assert name in document["channels"]["astra.referrals.events.v1"]["messages"]
    assert document["components"]["schemas"]["ReferrerThanked"]["required"] == ["referrer"]


@pytest.mark.slow
def test_the_page_and_its_new_event_are_well_typed(tree_with_event: Path) -> None:
    run(tree_with_event, "-m", "mypy", *MYPY_OPTIONS, *sorted(MODULES))
