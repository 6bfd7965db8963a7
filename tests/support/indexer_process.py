"""A process of a service, as `astratrade indexer` runs it, that tests kill and start again."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class IndexerProcess:
    """A process that can be killed without notice and started again. Its output goes to a file."""

    def __init__(self, environment: dict[str, str], log_file: Path, service: str) -> None:
        self._service = service
        self._environment = os.environ | environment
        self._log_file = log_file
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        with self._log_file.open("ab") as output:
            command = [sys.executable, "-m", "deploy.cli.main", self._service]
            self._process = subprocess.Popen(command, env=self._environment, stdout=output, stderr=output)

    def kill(self) -> None:
        """Send SIGKILL, after a look whether the process had ended by itself."""
        assert self._process is not None
        assert self._process.poll() is None, self._log_file.read_text("utf-8")[-3_000:]
        self.remove()

    def remove(self) -> None:
        """Kill the process if there is one."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def wait(self, within_s: float) -> int:
        """Wait until the process ends by itself, and return the exit status."""
        assert self._process is not None
        status = self._process.wait(within_s)
        self._process = None
        return status

    def ends(self) -> int:
        """Send SIGTERM, and return the exit status."""
        assert self._process is not None
        self._process.terminate()
        status = self._process.wait()
        self._process = None
        return status

    def restart(self) -> None:
        self.kill()
        self.start()


@contextmanager
def indexer_process(environment: dict[str, str], log_file: Path, service: str = "indexer") -> Iterator[IndexerProcess]:
    """Run the process while the block runs."""
    process = IndexerProcess(environment, log_file, service)
    process.start()
    try:
        yield process
    finally:
        process.remove()
