"""Starts a command that cannot outlive its supervisor. Run as a script, with the standard library alone.

`parent_death.py exec PARENT_PID COMMAND...` (Linux) asks the kernel for SIGKILL at the parent's death and becomes the
command; the kernel means the *thread* that started it, which is why
`deploy.server.process` starts children from the main thread only.
`parent_death.py watch PARENT_PID COMMAND...` (elsewhere) stays between them and looks after the parent itself.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys

PR_SET_PDEATHSIG = 1
WATCH_INTERVAL_S = 0.25
PARENT_IS_GONE = 113


def become(parent: int, command: list[str]) -> None:
    """Replace this process by the command, to be killed with the parent."""
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")
    if os.getppid() != parent:  # it died before we asked
        sys.exit(PARENT_IS_GONE)
    os.execv(command[0], command)  # noqa: S606 - that is what this module is for


def watch(parent: int, command: list[str]) -> int:
    """Run the command until it ends; kill it when the parent is gone."""
    asked: list[int] = []  # a signal may come before there is a child to pass it to
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _: asked.append(number))
    child = subprocess.Popen(command, close_fds=False)  # noqa: S603
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _: child.send_signal(number))
    for early in asked:
        child.send_signal(early)
    while True:
        try:
            code = child.wait(WATCH_INTERVAL_S)
        except subprocess.TimeoutExpired:
            if os.getppid() != parent:
                child.kill()
        else:
            return code if code >= 0 else 128 - code


if __name__ == "__main__":
    mode, parent_pid, *argv = sys.argv[1:]
    if mode == "exec":
        become(int(parent_pid), argv)
    sys.exit(watch(int(parent_pid), argv))
