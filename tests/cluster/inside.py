"""Start the cluster in the namespaces that `python -m tests.cluster` made, and run the tests, or wait.

The cluster's processes end with this one, because it is the first process of its namespace.
"""

import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.cluster import VARIABLE
from tests.cluster.files import Files
from tests.cluster.machine import Machine


def main(folder: Path, pytest: list[str]) -> int:
    """Start the cluster; run pytest, or wait for a signal where it has no arguments. Return the exit status."""
    machine = Machine(Files(folder, f"/{folder.name}"))
    machine.start()
    if not pytest:
        machine.say("up; Ctrl-C ends it")
        signal.sigwait({signal.SIGINT, signal.SIGTERM})
        return 0
    return subprocess.call([sys.executable, "-m", "pytest", *pytest], env={**os.environ, VARIABLE: str(folder)})


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
