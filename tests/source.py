"""The path of the sources: a child process of a test imports this tree, whatever is installed."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).parents[1]
PYTHON_PATH = os.pathsep.join(
    (str(ROOT), str(ROOT / "streams" / "faust-redis" / "src"), str(ROOT / "api" / "astratrade-client" / "src"))
)
