"""What the dashboard was built from, and what came out: digests that a test compares."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Final

PAGE: Final = Path(__file__).resolve().parent.parent.parent / "api" / "page"
SOURCE: Final = PAGE / "source"
BUILT: Final = PAGE / "built"
LOCK: Final = PAGE / "lock.json"
SETTINGS: Final = ("package.json", "package-lock.json", "tsconfig.json")


def write(files: Mapping[str, bytes]) -> None:
    """Replace what is built, and its lock."""
    shutil.rmtree(BUILT, ignore_errors=True)
    BUILT.mkdir(parents=True)
    for name, content in files.items():
        (BUILT / name).write_bytes(content)
    LOCK.write_text(json.dumps({"sources": _sources(), "built": _built()}, indent=2, sort_keys=True) + "\n")


def differences() -> list[str]:
    """Return what differs from the lock: changed, new and missing sources and built files."""
    lock = json.loads(LOCK.read_text())
    found = []
    for kind, now in (("sources", _sources()), ("built", _built())):
        was = lock[kind]
        found += [f"{name} is not in the lock" for name in sorted(now.keys() - was.keys())]
        found += [f"{name} is missing" for name in sorted(was.keys() - now.keys())]
        found += [f"{name} has changed" for name in sorted(now.keys() & was.keys()) if now[name] != was[name]]
    return found


def _sources() -> dict[str, str]:
    paths = [*(PAGE / name for name in SETTINGS), *(path for path in SOURCE.rglob("*") if path.is_file())]
    return {path.relative_to(PAGE).as_posix(): _digest(path) for path in paths}


def _built() -> dict[str, str]:
    return {path.name: _digest(path) for path in BUILT.iterdir() if path.is_file()}


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
