"""An agent that blocks its worker's event loop for as long as a test wants."""

import time
from contextlib import suppress
from pathlib import Path

BLOCK = b"block"
"""A record of this key blocks the first worker that processes it; its value is a file, see `block`."""


def block(mark: Path) -> None:
    """Create a mark file and block the event loop until the test removes it; do nothing when the mark exists."""
    with suppress(FileExistsError):
        mark.touch(exist_ok=False)
        while mark.exists():
            time.sleep(0.05)
