"""Start a command that cannot outlive its supervisor. This is a script that needs only the standard library.

`parent_death.py exec PARENT_PID COMMAND...` (Linux) asks the kernel for SIGKILL at the parent's death and becomes the
command. The kernel sends the signal when the *thread* that started the child ends. Therefore
`deploy.server.process` starts children from the main thread only.
`parent_death.py watch PARENT_PID COMMAND...` (other systems) runs the command as a child and watches the parent.
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
    """Replace this process by the command, which the kernel kills when the parent dies."""
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")
    if os.getppid() != parent:  # the parent died before the request
        sys.exit(PARENT_IS_GONE)
    os.execv(command[0], command)  # noqa: S606 - that is what this module is for


def watch(parent: int, command: list[str]) -> int:
    """Run the command until it ends. Kill it when the parent has died."""
    early_signals: list[int] = []  # signals that arrive before the child exists
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _: early_signals.append(number))
    child = subprocess.Popen(command, close_fds=False)  # noqa: S603
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _: child.send_signal(number))
    for early in early_signals:
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
