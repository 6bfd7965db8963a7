"""End a test process whose test hangs, and print the stacks of its threads.

pytest-timeout interrupts the main thread once, after `timeout` of pyproject.toml. That fails most tests that hang, and
the process goes on. A test that waits again, for a thread or in a teardown, would still hang for ever: this ends its
process. pytest-xdist then names the test and starts another process for the tests that remain.
"""

from __future__ import annotations

import faulthandler
import os
from collections.abc import Generator

import pytest

GRACE_S = 60.0
"""A test that goes on for so long after its time-out ends its process."""
END_OF_SESSION_S = 120.0
"""A process whose tests have ended has so long to finish."""


class Watchdog:
    """The pytest plugin."""

    def __init__(self, timeout_s: float) -> None:
        self._limit_s = timeout_s + GRACE_S
        self._stderr = os.dup(2)  # pytest replaces the descriptor while a test runs

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self) -> Generator[None, object, object]:
        self._end_after(self._limit_s)
        try:
            return (yield)
        finally:
            faulthandler.cancel_dump_traceback_later()

    @pytest.hookimpl(trylast=True)
    def pytest_exception_interact(self) -> None:
        """Start again for the teardown of a test that failed: pytest cancels the timer of faulthandler here."""
        self._end_after(GRACE_S)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        self._end_after(END_OF_SESSION_S)

    @pytest.hookimpl(trylast=True)
    def pytest_unconfigure(self) -> None:
        faulthandler.cancel_dump_traceback_later()
        os.close(self._stderr)

    def _end_after(self, limit_s: float) -> None:
        faulthandler.dump_traceback_later(limit_s, exit=True, file=self._stderr)


def watch(config: pytest.Config) -> None:
    """Watch the tests of a process. The process that only starts others runs none."""
    runs_none = config.getoption("numprocesses", None) and not hasattr(config, "workerinput")
    if not runs_none:
        config.pluginmanager.register(Watchdog(float(config.getini("timeout"))), "watchdog")
