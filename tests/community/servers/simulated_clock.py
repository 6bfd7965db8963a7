"""The simulated time, shared by the run and the gateway through a mapped file of eight bytes. Standard library only."""

from __future__ import annotations

import mmap
import struct
from pathlib import Path
from typing import Final

VARIABLE: Final = "COMMUNITY_CLOCK"
"""The environment variable that names the file."""
_TIME: Final = struct.Struct("<q")


class SimulatedClock:
    """A time in microseconds since 1970. One process sets it, others read it. A write of eight bytes is whole."""

    def __init__(self, path: Path, *, create: bool = False) -> None:
        if create:
            path.write_bytes(_TIME.pack(0))
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), _TIME.size)

    def now(self) -> int:
        """Return the time."""
        time: int = _TIME.unpack_from(self._map)[0]
        return time

    def set(self, time: int) -> None:
        """Move the time. It never goes back."""
        _TIME.pack_into(self._map, 0, max(time, self.now()))
