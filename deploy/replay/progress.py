"""The progress of a replay, in a small file of the data directory. `--resume` skips the fills that were sent."""

from __future__ import annotations

import json
from pathlib import Path


class ProgressFile:
    """The number of fills of one file that an API has accepted. It saves time only; sending fills again is safe."""

    def __init__(self, data_dir: Path, digest: str, url: str) -> None:
        self._path = data_dir / "replay" / f"{digest}.json"
        self._url = url

    def sent(self) -> int:
        """Return the number of fills that this API has accepted, or 0 without a record."""
        try:
            return int(json.loads(self._path.read_text("utf-8"))[self._url])
        except (OSError, ValueError, KeyError, TypeError):
            return 0

    def note(self, sent: int) -> None:
        """Store the number of accepted fills."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self._path.with_suffix(".new")
        temporary.write_text(json.dumps({self._url: sent}), "utf-8")
        temporary.replace(self._path)
