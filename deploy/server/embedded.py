"""The embedded broker: a Valkey or Redis server that this process starts, with its data in the data directory.

A directory has one server. The process that starts it locks the directory, and the server inherits the lock, so the
directory stays locked until both have ended. Other processes find the server by the URL file (`running_url`).
"""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Self

from deploy.errors import BrokerError, LockedError
from deploy.server import process
from deploy.server.directory_watch import LOCK_FILE, removed
from deploy.server.endpoint import (
    URL_FILE,
    announce,
    answers,
    forget_last_server,
    running_url,
    server_directory,
    socket_directory,
)
from deploy.server.locks import FileLock
from deploy.server.server_binary import ServerBinary

READY_DEADLINE_S = 120.0  # includes loading the file; `ready` notices at once when the server ends
STOP_GRACE_S = 20.0
LOCK_WAIT_S = 5.0  # the server of a killed supervisor has ended by then
POLL_S = 0.01
LOG_LINES = 12


class EmbeddedServer:
    """A server process on a private Unix socket. Start it from the main thread. It dies with this process."""

    def __init__(self, data_dir: Path, binary: ServerBinary, *, appendfsync: str = "everysec") -> None:
        self.directory = server_directory(data_dir)
        self.binary = binary
        self.log_file = self.directory / "server.log"
        self._appendfsync = appendfsync
        self._lock = FileLock(self.directory / LOCK_FILE)
        self._child: process.Child | None = None
        self._socket_dir: Path | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """Return the server's URL, which a restart does not change."""
        return f"unix://{self._socket}"

    @property
    def pid(self) -> int:
        """Return the process id of the server, or of its watcher where the kernel has no parent-death signal."""
        return self._running().pid

    def start(self) -> None:
        """Start the server and wait until it answers.

        Raises:
            LockedError: when another server uses the directory; the message names the process.
            BrokerError: when the server does not start; the message has the end of its log.
        """
        try:
            self.launch()
            self._wait_until_ready()
        except BaseException:
            self.stop()
            raise

    def launch(self) -> None:
        """Start the process without waiting for it. After a crash, restart it on the same socket."""
        if self._socket_dir is None:
            self._claim_directory()
        with self.log_file.open("ab") as log:
            self._child = process.spawn(self._command(), output=log, pass_fds=[self._lock.fd])

    def ready(self) -> bool:
        """Return whether the server answers. If so, announce it to other processes.

        Raises:
            BrokerError: when the server has ended.
        """
        code = self._running().poll()
        if code is not None:
            raise BrokerError(f"the server ended with status {code}; {self._last_words()}")
        if not answers(self._socket):
            return False
        announce(self.directory, self.url)
        return True

    @property
    def exit_code(self) -> int | None:
        """Return the server's exit status, or None while it runs."""
        return self._running().poll()

    @property
    def fault(self) -> str | None:
        """Return a message when the directory was removed or replaced, so that the running server keeps nothing."""
        return None if self._lock.in_place else removed(self.directory)

    def ask(self) -> None:
        """Ask the server to end, without waiting."""
        if self._child is not None:
            process.ask(self._child)

    def stop(self) -> bool:
        """Stop the server and unlock the directory. Return whether the server ended by itself within the grace."""
        clean = self._child is None or process.stop(self._child, STOP_GRACE_S)
        self._child = None
        if self._socket_dir is not None:
            if self._lock.in_place:  # otherwise the file belongs to another server
                (self.directory / URL_FILE).unlink(missing_ok=True)
            shutil.rmtree(self._socket_dir, ignore_errors=True)
            self._socket_dir = None
        self._lock.release()
        return clean

    @property
    def _socket(self) -> Path:
        if self._socket_dir is None:
            raise BrokerError("the server has not been started")
        return self._socket_dir / "s"

    def _running(self) -> process.Child:
        if self._child is None:
            raise BrokerError("the server has not been started")
        return self._child

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + READY_DEADLINE_S
        while not self.ready():
            if time.monotonic() > deadline:
                raise BrokerError(f"no answer from the server within {READY_DEADLINE_S:.0f} s; {self._last_words()}")
            time.sleep(POLL_S)

    def _claim_directory(self) -> None:
        _acquire(self._lock)
        forget_last_server(self.directory)
        self._socket_dir = socket_directory()

    def _command(self) -> list[str]:
        options = {
            "port": "0",
            "unixsocket": str(self._socket),
            "unixsocketperm": "700",
            "dir": str(self.directory),
            "pidfile": str(self.directory / "server.pid"),
            "logfile": "",
            "save": "",
            "appendonly": "yes",
            "appendfsync": self._appendfsync,
            "maxmemory-policy": "noeviction",
            "shutdown-on-sigterm": "force",
        }
        return [str(self.binary.path), *(part for name, value in options.items() for part in (f"--{name}", value))]

    def _last_words(self) -> str:
        lines = self.log_file.read_text("utf-8", errors="replace").splitlines()[-LOG_LINES:]
        return f"the end of {self.log_file}:\n" + "\n".join(f"  {line}" for line in lines)


def _acquire(lock: FileLock) -> None:
    deadline = time.monotonic() + LOCK_WAIT_S
    while True:
        try:
            return lock.acquire()
        except LockedError as exc:
            if running_url(lock.path.parent.parent) or time.monotonic() > deadline:
                raise LockedError(f"{exc}; stop it first, or choose another ASTRA_DATA_DIR") from None
        time.sleep(POLL_S)
