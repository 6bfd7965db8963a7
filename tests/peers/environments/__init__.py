"""A virtual environment for each peer, with exactly the versions of its list, created on first use."""

from __future__ import annotations

import fcntl
import hashlib
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).parent
INSTALL_S = 900.0
OUTPUT_CHARS = 600
STAMP = "installed"


class NotInstallableError(Exception):
    """A peer cannot be installed here; the message says why."""


def interpreter(name: str, directory: Path, say: Callable[[str], None]) -> Path:
    """Return the Python of a peer's environment under a directory.

    Raises:
        NotInstallableError: with the last lines of pip's output.
    """
    requirements = HERE / f"{name}.txt"
    home = directory.absolute() / name
    python, stamp = home / "bin" / "python", home / STAMP
    digest = hashlib.sha256(sys.version.encode() + requirements.read_bytes()).hexdigest()
    with _locked(directory / f"{name}.lock"):
        if stamp.is_file() and stamp.read_text() == digest:
            return python
        say(f"installing {name} into {home}")
        _run([sys.executable, "-m", "venv", "--clear", str(home)], name)
        pip = [str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check", "--only-binary", ":all:"]
        _run([*pip, "--no-deps", "-r", str(requirements)], name)
        stamp.write_text(digest)
        return python


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold a lock, so that test processes which need the same environment at once install it once."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _run(command: list[str], name: str) -> None:
    try:
        subprocess.run(command, capture_output=True, text=True, check=True, timeout=INSTALL_S)
    except subprocess.CalledProcessError as exc:
        raise NotInstallableError(f"{name} cannot be installed here: {exc.stderr[-OUTPUT_CHARS:].strip()}") from exc
    except (OSError, subprocess.TimeoutExpired) as exc:
        raise NotInstallableError(f"{name} cannot be installed here: {exc}") from exc
