"""Start modules of the bench as processes of their own: they are not installed, so each is told where they lie."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import IO

from deploy.server import process
from tests.source import PYTHON_PATH


def spawn(name: str, *arguments: str, output: IO[bytes] | None = None) -> process.Child:
    """Start a module such as `tests.bench.apps.worker`; it is killed when this process dies."""
    argv: Sequence[str] = [sys.executable, "-P", "-m", name, *arguments]
    return process.spawn(argv, env={**os.environ, "PYTHONPATH": PYTHON_PATH}, output=output)
