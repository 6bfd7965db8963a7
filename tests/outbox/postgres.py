"""A PostgreSQL server that a test can kill and start again on the same data.

A commit is with the kernel when it returns, so that it survives a kill of the server. It need not be on disk, because
no test takes the machine's power. A measurement asks for a commit that is.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import asyncpg

from deploy.server import process
from tests.ports import free_port
from tests.support.postgres import PROGRAMS, READABLE, _as_user, _parent, copy_programs

START_S = 60.0
POLL_S = 0.05


class Postgres:
    """A server on a free loopback port, in a directory of its own. With `flushes`, its commits are on disk."""

    def __init__(self, *, flushes: bool = False) -> None:
        self._settings = ("wal_sync_method=fdatasync",) if flushes else ("fsync=off",)
        self.home = Path(tempfile.mkdtemp(prefix="outbox-postgres-", dir=_parent()))
        self.port = free_port()
        self._child: process.Child | None = None

    def __enter__(self) -> Self:
        self.home.chmod(READABLE)
        copy_programs(Path(sys.executable), self.home)
        self._data.mkdir(0o700)
        self._as_user = _as_user(self._data)
        initdb = [str(self.programs / "initdb"), "-D", str(self._data), "-U", "postgres", "--auth=trust", "-E", "UTF8"]
        subprocess.run([*self._as_user, *initdb, "--no-locale", "--no-sync"], capture_output=True, check=True)
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._child is not None:
            self.kill()  # a request to end would wait for connections
        shutil.rmtree(self.home, ignore_errors=True)

    @property
    def programs(self) -> Path:
        """Return the directory of PostgreSQL's programs."""
        return self.home / PROGRAMS / "bin"

    @property
    def _data(self) -> Path:
        return self.home / "data"

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def launch(self) -> None:
        """Start the server without waiting. Its data may be those of a killed one."""
        options = ["-D", str(self._data), "-p", str(self.port), "-k", str(self._data)]
        settings = [word for text in ("listen_addresses=127.0.0.1", *self._settings) for word in ("-c", text)]
        with (self.home / "postgres.log").open("ab") as log:
            self._child = process.spawn(
                [*self._as_user, str(self.programs / "postgres"), *options, *settings], output=log
            )

    def start(self) -> None:
        """Start the server and wait until it answers. A killed one may hold its data for a moment."""
        deadline = time.monotonic() + START_S
        self.launch()
        while not asyncio.run(self._answers()):
            assert time.monotonic() < deadline, (self.home / "postgres.log").read_text()[-2_000:]
            if self._child is not None and self._child.poll() is not None:
                self.launch()
            time.sleep(POLL_S)

    def kill(self) -> None:
        """Kill the first process of the server; its other processes end when they notice."""
        assert self._child is not None
        os.kill(self._child.pid, signal.SIGKILL)
        self._child.wait()
        self._child = None

    async def _answers(self) -> bool:
        try:
            connection = await asyncpg.connect(self.url(), timeout=1.0)
        except (OSError, asyncpg.PostgresError, TimeoutError):
            return False
        await connection.close()
        return True

    async def execute(self, statement: str) -> None:
        """Execute a statement outside of a transaction."""
        connection = await asyncpg.connect(self.url())
        try:
            await connection.execute(statement)
        finally:
            await connection.close()
