"""What is built of the dashboard is that of its sources."""

from __future__ import annotations

import gzip

import pytest

from deploy.dashboard.build import BuildError, build
from deploy.dashboard.lock import BUILT, LOCK, SOURCE, differences

FIRST_VIEW_MAX = 300_000


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


def test_the_first_view_is_small() -> None:
    first = [path for path in BUILT.iterdir() if path.name.startswith(("app-", "index"))]
    assert sum(len(gzip.compress(path.read_bytes())) for path in first) < FIRST_VIEW_MAX


def test_every_bundled_package_has_its_licence() -> None:
    text = (BUILT / "licences.txt").read_text()
    assert text.count("MIT License") >= 1
    assert not (SOURCE / "node_modules").exists()
