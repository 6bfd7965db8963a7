"""The documents on running the project are true: settings, constraints, and no path of one machine."""

import re
import tomllib
from pathlib import Path

from deploy.lock import requirements
from deploy.settings import Settings, variable

ROOT = Path(__file__).parents[3]


def test_every_setting_is_documented_and_no_other() -> None:
    table = re.findall(r"^\| (`ASTRA.*?) \|", (ROOT / "docs/operations.md").read_text(), re.MULTILINE)
    documented = re.findall(r"ASTRA_\w+", " ".join(table))
    assert sorted(documented) == sorted(variable(field) for field in Settings.model_fields)


def test_everything_required_is_pinned_once_and_from_nowhere_in_particular() -> None:
    lines = [line for line in (ROOT / "deploy/constraints.txt").read_text().splitlines() if not line.startswith("#")]
    assert all(re.fullmatch(r"[\w.-]+==[\w.!]+", line) for line in lines)
    pinned = [line.partition("==")[0].lower().replace("_", "-") for line in lines]
    assert len(pinned) == len(set(pinned))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    library = tomllib.loads((ROOT / "streams/faust-redis/pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["test"]]
    client = tomllib.loads((ROOT / "api/astratrade-client/pyproject.toml").read_text())["project"]
    wanted += [*client["dependencies"], *library["dependencies"], *library["optional-dependencies"]["rocksdb"]]
    names = {re.split(r"[\[<>=; ]", requirement)[0].lower() for requirement in wanted}
    assert names - {library["name"], client["name"]} <= set(pinned)


def pins(text: str) -> dict[str, str]:
    """Return the versions of packages by their normal names, without packages for Windows alone."""
    found = re.findall(r"^([\w.-]+)==([\w.!]+)(.*)", text, re.MULTILINE)
    windows = re.compile(r"win32|Windows|os_name == 'nt'")
    return {re.sub(r"[-_.]+", "-", name).lower(): version for name, version, rest in found if not windows.search(rest)}


def test_each_lock_has_the_pinned_versions_with_their_digests() -> None:
    pinned = pins((ROOT / "deploy/constraints.txt").read_text())
    locks = {name: (ROOT / f"deploy/locks/{name}.txt").read_text() for name in requirements()}
    assert pins(locks["test"]) == pinned
    assert pins(locks["base"]).items() < pinned.items()
    for name, text in locks.items():
        assert {re.sub(r"[-_.]+", "-", re.split(r"[\[<>=; ]", one)[0]).lower() for one in requirements()[name]} <= pins(
            text
        ).keys()
        entries = [line for line in text.replace("\\\n", " ").splitlines() if not line.startswith("#")]
        assert all(re.fullmatch(r"\S+==\S+( ; [^#]*?)?( +--hash=sha256:[0-9a-f]{64})+", entry) for entry in entries)
        assert "://" not in text
