"""A worker that is asked to stop while it starts."""

import subprocess
import sys

import pytest

from tests.source import PYTHON_PATH, ROOT

PROGRAM = """\
import os, signal
from deploy.run import worker

class Collected:
    def __del__(self):
        os.kill(os.getpid(), signal.{name})
        for _ in range(1_000):  # Python calls the handler between two of these
            pass

worker._on_signals(worker._end)
Collected()
print("goes on")
"""


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_a_signal_during_the_start_ends_a_worker_wherever_python_is(name: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(name=name)],
        env={"PYTHONPATH": PYTHON_PATH}, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
