"""Start modules of the bench as processes of their own, with the import path set: the bench is not installed."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from typing import IO

from deploy.server import process
from tests.source import PYTHON_PATH


def spawn(
    name: str, *arguments: str, env: Mapping[str, str] = os.environ, output: IO[bytes] | None = None
) -> process.Child:
    """Start a module such as `tests.bench.apps.worker`; the kernel kills it when this process dies."""
    argv: Sequence[str] = [sys.executable, "-P", "-m", name, *arguments]
    return process.spawn(argv, env={**env, "PYTHONPATH": PYTHON_PATH}, output=output)
