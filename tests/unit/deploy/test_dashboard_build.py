"""What is built of the dashboard is that of its sources."""

from __future__ import annotations

import gzip
import re

import pytest

from deploy.dashboard.build import BuildError, build
from deploy.dashboard.lock import BUILT, LOCK, SOURCE, differences

FIRST_VIEW_MAX = 40_000
"""In bytes, compressed. The promise is 300 kB; more than this means that a chart or another view is loaded, too."""
NAMED_BY_THE_PAGE = re.compile(r'(?:src|href)="/page/([^"]+)"')
IMPORTED = re.compile(r'(?:from|import)"\./([^"]+)"')


def test_the_lock_names_every_source_and_every_built_file() -> None:
    assert differences() == []


def test_a_changed_source_and_a_changed_bundle_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    lock = LOCK.read_text()
    changed = lock.replace('"source/main.tsx": "', '"source/main.tsx": "0').replace(
        '"icon.svg": "', '"icon.svg": "0', 1
    )
    monkeypatch.setattr(type(LOCK), "read_text", lambda self: changed if self == LOCK else lock)
    assert differences() == ["source/main.tsx has changed", "icon.svg has changed"]


def test_a_build_gives_the_same_bytes_again() -> None:
    try:
        files = build()
    except BuildError as exc:
        pytest.skip(str(exc))
    assert files == {path.name: path.read_bytes() for path in BUILT.iterdir()}


def first_view() -> dict[str, bytes]:
    """Return the files that a browser loads for the first view: the page, what it names, and what that imports."""
    found: dict[str, bytes] = {}
    left = ["index.html"]
    while left:
        name = left.pop()
        if name not in found:
            found[name] = (BUILT / name).read_bytes()
            text = found[name].decode()
            left += [*NAMED_BY_THE_PAGE.findall(text), *IMPORTED.findall(text)]
    return found


def test_the_first_view_is_small() -> None:
    loaded = first_view()
    assert any(name.startswith("app-") and name.endswith(".js") for name in loaded), "the page starts no application"
    assert sum(len(gzip.compress(content)) for content in loaded.values()) < FIRST_VIEW_MAX


def test_a_browser_is_told_of_all_files_of_the_first_view_at_once() -> None:
    named = NAMED_BY_THE_PAGE.findall((BUILT / "index.html").read_text())
    assert {"index.html", *named} == first_view().keys()


def test_every_bundled_package_has_its_licence() -> None:
    text = (BUILT / "licences.txt").read_text()
    assert text.count("MIT License") >= 1
    assert not (SOURCE / "node_modules").exists()
