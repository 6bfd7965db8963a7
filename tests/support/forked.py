"""Start `python -m MODULE …` in a fork of a process that has imported the product already.

The tests start hundreds of processes, most of them `astratrade …`. Two thirds of the CPU of a start are imports, so
each test process keeps a fork server (`multiprocessing`) that has done them. A fork has a command line, an environment,
an input, a log and a process group of its own, and gets signals as any other process. The demo and `astratrade dev`
start real interpreters.
"""

from __future__ import annotations

import ctypes
import importlib
import io
import multiprocessing
import os
import runpy
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from multiprocessing import forkserver, resource_tracker, util
from typing import IO

from deploy.server.parent_death import PR_SET_PDEATHSIG
from deploy.server.process import Child

PYTHON = (sys.executable, "-m")
"""The beginning of the command lines that a fork replaces."""

MAIN = "deploy.cli.main"

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["tests.support.imported"])
LOOK_AGAIN_S = 0.001


class Forked(Child):
    """A fork, used as a process that `process.spawn` started."""

    def __init__(
        self, module: str, *arguments: str, env: Mapping[str, str], output: IO[bytes] | None, typed: str = ""
    ) -> None:
        self.args = (module, *arguments)
        log = os.devnull if output is None else output.name
        self._process = FORKS.Process(target=_run, args=(module, arguments, dict(env), log, typed), daemon=True)
        self._process.start()
        self.pid = self._process.pid or 0
        self.returncode = None
        while self.poll() is None and os.getpgid(self.pid) != self.pid:
            time.sleep(LOOK_AGAIN_S)

    def poll(self) -> int | None:
        """Return the exit status; None while the process runs."""
        self.returncode = self._process.exitcode
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the process and return its exit status.

        Raises:
            subprocess.TimeoutExpired: it still runs after `timeout` seconds.
        """
        self._process.join(timeout)
        status = self.poll()
        if status is None:
            raise subprocess.TimeoutExpired(self.args, timeout or 0)
        return status


def stop_server() -> None:
    """End the fork server of this process, if it runs, and remove its socket."""
    forkserver._forkserver._stop()  # type: ignore[attr-defined]
    resource_tracker._resource_tracker._stop()  # type: ignore[attr-defined]
    util._run_finalizers()  # type: ignore[attr-defined]


def _run(module: str, arguments: Sequence[str], env: Mapping[str, str], log: str, typed: str) -> None:
    """Run the module in the fork. The kernel ends the fork with its server, which ends with the tests."""
    os.setpgid(0, 0)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    output = os.open(log, os.O_WRONLY | os.O_APPEND)
    os.dup2(output, sys.stdout.fileno())
    os.dup2(output, sys.stderr.fileno())
    os.close(output)
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    sys.stdin = io.StringIO(typed)
    os.environ.clear()
    os.environ.update(env)
    sys.argv = [module, *arguments]
    if module == MAIN:
        importlib.import_module(MAIN).main()
    else:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
