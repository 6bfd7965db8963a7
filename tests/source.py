"""Where the sources lie, for child processes of tests: a child imports this tree, whatever is installed."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).parents[1]
PYTHON_PATH = os.pathsep.join((str(ROOT), str(ROOT / "streams" / "faust-redis" / "src")))
