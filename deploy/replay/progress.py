"""How far a replay came, in a small file of the data directory: lets `--resume` skip what was sent."""

from __future__ import annotations

import json
from pathlib import Path


class ProgressFile:
    """Fills of one file that one API has accepted, counted from the first. Only a short cut: sending again is safe."""

    def __init__(self, data_dir: Path, digest: str, url: str) -> None:
        self._path = data_dir / "replay" / f"{digest}.json"
        self._url = url

    def sent(self) -> int:
        """How many fills this API has accepted; 0 when nothing is known."""
        try:
            return int(json.loads(self._path.read_text("utf-8"))[self._url])
        except (OSError, ValueError, KeyError, TypeError):
            return 0

    def note(self, sent: int) -> None:
        """Remember it."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self._path.with_suffix(".new")
        temporary.write_text(json.dumps({self._url: sent}), "utf-8")
        temporary.replace(self._path)
