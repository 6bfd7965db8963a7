"""Show how this program was started, so that a printed command works when the user pastes it."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path


def program(argv: Sequence[str] | None = None, interpreter_argv: Sequence[str] | None = None) -> str:
    """Return the words that start this program from the user's directory, quoted for a shell.

    A script on PATH is shown by its name, another one by its path. A module run with `python -m` is shown as such.

    Args:
        argv: The program and its arguments. None takes this process's.
        interpreter_argv: The same with the interpreter and its options before it. None takes this process's.
    """
    argv = sys.argv if argv is None else argv
    interpreter_argv = sys.orig_argv if interpreter_argv is None else interpreter_argv
    started = interpreter_argv[: len(interpreter_argv) - len(argv) + 1]
    words = [_shown(started[0]), *started[1:]] if "-m" in started else [_shown(argv[0])]
    return shlex.join(words)


def in_users_directory() -> bool:
    """Return whether this process runs in the directory of the shell that started it; `demo` changes the directory."""
    shell = os.environ.get("PWD")
    return shell is None or os.path.realpath(shell) == str(Path.cwd().resolve())


def _shown(path: str) -> str:
    """Return the shortest form of a program's path that the user's shell resolves to it."""
    if os.sep not in path:
        return path
    found = shutil.which(Path(path).name)
    if found is not None and os.path.realpath(Path(found).parent) == os.path.realpath(Path(path).parent):
        return Path(path).name
    absolute = Path(path).absolute()
    if in_users_directory() and absolute.is_relative_to(Path.cwd()):
        relative = str(absolute.relative_to(Path.cwd()))
        return relative if os.sep in relative else f".{os.sep}{relative}"
    return str(absolute)
