"""A child process of a test: its log in a file, ended by its id, never outliving the test."""

import signal
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from deploy.server import process
from tests.support import forked

LOG_LINES = 40
TERM_GRACE_S = 20.0


class Child:
    """One process of the pipeline, or a command that runs to its end."""

    def __init__(self, name: str, argv: Sequence[str], env: Mapping[str, str], log_dir: Path) -> None:
        self.name = name
        self.ended_by_us = False
        self.log_file = log_dir / f"{name}.log"
        with self.log_file.open("ab") as log:
            self.popen = started(argv, env, log)

    @property
    def pid(self) -> int:
        return self.popen.pid

    @property
    def exit_code(self) -> int | None:
        return self.popen.poll()

    def stop(self) -> bool:
        """Send SIGTERM; return whether the process ended by itself within the grace."""
        self.ended_by_us = True
        return process.stop(self.popen, TERM_GRACE_S)

    def ask(self) -> None:
        """Send SIGTERM without waiting."""
        self.ended_by_us = True
        process.ask(self.popen)

    def kill(self) -> None:
        """Send SIGKILL to the process and its group."""
        self.ended_by_us = True
        process.kill(self.popen)

    def pause(self) -> None:
        self.popen.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        self.popen.send_signal(signal.SIGCONT)

    def output(self) -> str:
        return self.log_file.read_text("utf-8", errors="replace")

    def last_words(self) -> str:
        """Return the state of the process and the end of its log, for the report of a failed test."""
        state = "running" if self.exit_code is None else f"ended with {self.exit_code}"
        lines = self.output().splitlines()[-LOG_LINES:]
        return f"--- {self.name} (pid {self.pid}, {state}):\n" + "\n".join(lines)


def started(argv: Sequence[str], env: Mapping[str, str], log: IO[bytes]) -> process.Child:
    """Start a command: a Python module as a fork, anything else as a program."""
    if tuple(argv[:2]) == forked.PYTHON:
        return forked.Forked(*argv[2:], env=env, output=log)
    return process.spawn(argv, env=env, output=log)
