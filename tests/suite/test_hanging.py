"""Test that tests which hang end, are named, and do not stop the tests after them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
RUN_MAX_S = 200.0
CONFTEST = """
from tests import hanging

def pytest_configure(config):
    hanging.GRACE_S = 5.0
    hanging.watch(config)
"""
TESTS = """
import asyncio, threading, pytest
from concurrent.futures import ThreadPoolExecutor

def test_that_waits_for_a_thread():
    with ThreadPoolExecutor(1) as thread:
        thread.submit(threading.Event().wait, 600).result()

@pytest.fixture
def stubborn():
    yield
    threading.Event().wait(600)

def test_whose_teardown_hangs_too(stubborn):
    threading.Event().wait(600)

def test_that_can_be_interrupted():
    asyncio.run(asyncio.Event().wait())

def test_after_them():
    pass
"""


def test_a_hang_fails_one_test_and_shows_the_stacks(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "test_it.py").write_text(TESTS)
    (tmp_path / "pytest.ini").write_text("[pytest]\ntimeout = 3\n")
    options = ["-q", "-n", "1", "-p", "xdist", "-p", "pytest_timeout", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, str(tmp_path)],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True, text=True, check=False,
        timeout=RUN_MAX_S,
    )  # fmt: skip
    # The test with a teardown counts twice: by its failure, and by the crash of its process.
    assert "4 failed, 1 passed" in done.stdout, done.stdout + done.stderr
    for name in ("test_that_waits_for_a_thread", "test_whose_teardown_hangs_too"):
        assert f"crashed while running 'test_it.py::{name}'" in done.stdout
    assert "FAILED test_it.py::test_that_can_be_interrupted - Failed: Timeout (>3.0s)" in done.stdout
    assert done.stderr.count("Timeout (0:00:0") == 2
    assert "in stubborn" in done.stderr, "a stack names the function that hangs"
