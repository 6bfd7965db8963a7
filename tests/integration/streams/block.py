"""An agent that blocks its worker's event loop, for as long as a test wants."""

import time
from contextlib import suppress
from pathlib import Path

BLOCK = b"block"
"""A record of this key blocks the first worker that processes it; its value is a file, see `block`."""


def block(mark: Path) -> None:
    """Hold the event loop until somebody removes the mark that this makes; not when it is there already."""
    with suppress(FileExistsError):
        mark.touch(exist_ok=False)
        while mark.exists():
            time.sleep(0.05)
