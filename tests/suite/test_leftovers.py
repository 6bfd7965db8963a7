"""Test that a run which leaves a process or a file behind fails and names it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CONFTEST = """
from tests import leftovers

def pytest_configure(config):
    leftovers.GRACE_S = 0.5
    leftovers.watch(config)
"""
CLEAN = "def test_it(tmp_path):\n    (tmp_path / 'file').touch()\n"
FILE = "import tempfile\n\ndef test_it():\n    tempfile.mkstemp(prefix='forgotten')\n"
PROCESS = """
import subprocess, sys

def test_it():
    command = [sys.executable, "-c", "import time; time.sleep(60)"]
    quiet = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL)
    child = subprocess.Popen(command, start_new_session=True, **quiet)
    child.returncode = 0
"""


def run(directory: Path, test: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    (directory / "conftest.py").write_text(CONFTEST)
    (directory / "test_it.py").write_text(test)
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "xdist", "-p", "no:cacheprovider", *arguments, str(directory)],
        cwd=directory,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("processes", ["0", "1"])
@pytest.mark.sample(1)
def test_a_run_that_leaves_nothing_passes(tmp_path: Path, processes: str) -> None:
    done = run(tmp_path, CLEAN, "-n", processes)
    assert done.returncode == 0, done.stdout
    assert "LEFT BEHIND" not in done.stdout


@pytest.mark.parametrize("processes", ["0", "1"])
@pytest.mark.sample(1)
def test_a_forgotten_file_fails_the_run(tmp_path: Path, processes: str) -> None:
    done = run(tmp_path, FILE, "-n", processes)
    assert done.returncode == 1
    assert "LEFT BEHIND file " in done.stdout
    assert "forgotten" in done.stdout


@pytest.mark.skipif(sys.platform != "linux", reason="processes are looked for in /proc")
@pytest.mark.parametrize("processes", ["0", "1"])
@pytest.mark.sample(1)
def test_a_forgotten_process_fails_the_run(tmp_path: Path, processes: str) -> None:
    done = run(tmp_path, PROCESS, "-n", processes)
    [line] = [line for line in done.stdout.splitlines() if line.startswith("LEFT BEHIND process ")]
    os.kill(int(line.split()[3].rstrip(":")), signal.SIGKILL)
    assert "time.sleep(60)" in line
    assert done.returncode == 1
