"""Fail a run of the tests that leaves a process or a temporary file behind.

The process that starts the run marks the environment of everything that it starts, and gives it a temporary directory
of its own. When the run ends, no process with the mark may be alive and that directory must be empty. Directories of
`tmp_path` lie elsewhere: pytest keeps the last three.
"""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

MARK = "ASTRATRADE_TEST_RUN"
GRACE_S = 10.0
"""A killed process may need this long to end."""
LOOK_AGAIN_S = 0.1


class LeftBehind:
    """The pytest plugin; only the process that starts the run has it, not each process that runs tests."""

    def __init__(self) -> None:
        self._run = secrets.token_hex(8)
        shared = tempfile.gettempdir()
        # The path stays short: sockets lie below it.
        self._directory = Path(tempfile.mkdtemp(prefix="t-", dir=shared))
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", shared)
        os.environ |= {"TMPDIR": str(self._directory), MARK: self._run}
        tempfile.tempdir = None

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Look for left-over processes and files after the test processes have ended."""
        left = [*self._processes_after_grace(), *self._files()]
        shutil.rmtree(self._directory, ignore_errors=True)
        if left:
            session.config.stash[LEFT] = left
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
        for what in config.stash.get(LEFT, []):
            terminalreporter.write_line(f"LEFT BEHIND {what}", red=True)

    def _processes_after_grace(self) -> list[str]:
        deadline = time.monotonic() + GRACE_S
        while (left := list(self._processes())) and time.monotonic() < deadline:
            time.sleep(LOOK_AGAIN_S)
        return left

    def _processes(self) -> Iterator[str]:
        mark = f"{MARK}={self._run}".encode()
        for process in Path("/proc").glob("[0-9]*"):
            try:
                marked = mark in (process / "environ").read_bytes().split(b"\0")
                command = (process / "cmdline").read_text("utf-8", errors="replace").replace("\0", " ")
            except OSError:  # The process has ended meanwhile, or belongs to another user.
                continue
            if marked and int(process.name) != os.getpid():
                yield f"process {process.name}: {command}"

    def _files(self) -> Iterator[str]:
        yield from (f"file {path}" for path in sorted(self._directory.rglob("*")))


LEFT = pytest.StashKey[list[str]]()


def watch(config: pytest.Config) -> None:
    """Watch a run, in the process that starts it."""
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(LeftBehind(), "left-behind")
