"""Child processes that never outlive this one. Each has a process group of its own and is stopped within a bound."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

LEASH = Path(__file__).with_name("parent_death.py")
LEASH_MODE = "exec" if sys.platform == "linux" else "watch"
KILL_WAIT_S = 10.0


class Child(subprocess.Popen[bytes]):
    """A child process that is asked to end at most once: a second SIGTERM could break into its orderly end."""

    asked = False


def spawn(
    argv: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    output: IO[bytes] | None = None,
    pass_fds: Sequence[int] = (),
    mode: str = LEASH_MODE,
) -> Child:
    """Start a child that is killed when this process dies.

    The child gets a process group of its own. So Ctrl-C in the terminal reaches this process only, which then stops
    its children in order.

    Raises:
        RuntimeError: when called outside the main thread, at whose end the kernel would kill the child.
    """
    if threading.current_thread() is not threading.main_thread():
        raise RuntimeError("child processes must be started from the main thread")
    return Child(
        [sys.executable, "-I", "-S", str(LEASH), mode, str(os.getpid()), *argv],
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        pass_fds=pass_fds,
        process_group=0,
    )


def ask(child: Child) -> None:
    """Ask a child to end (SIGTERM) unless that was done before, without waiting."""
    if child.poll() is None and not child.asked:
        child.asked = True
        child.terminate()


def stop(child: Child, grace_s: float) -> bool:
    """Ask a child to end, and kill its group after `grace_s`. Return whether the child ended by itself."""
    ask(child)
    try:
        child.wait(grace_s)
    except subprocess.TimeoutExpired:
        kill(child)
        return False
    return True


def kill(child: Child) -> None:
    """End a child and its group at once."""
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait(KILL_WAIT_S)


def alive(pid: int) -> bool:
    """Return whether a process of this id exists."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
