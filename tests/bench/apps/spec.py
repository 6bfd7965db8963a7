"""The specification of a measured worker: one JSON argument on its command line."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass

KINDS = ("stateless", "table", "output")
TABLE = "counts"


@dataclass(frozen=True, kw_only=True)
class WorkerSpec:
    """A worker of one measured app.

    Attributes:
        kind: `stateless` reads a field; `table` counts events by key; `output` also sends an event for each.
        style: How the agent is written; see `STYLES`.
        lease_s: How long the worker may be silent.
    """

    app: str
    url: str
    namespace: str
    topic: str
    output: str
    partitions: int
    kind: str
    style: str
    store: str
    directory: str
    lease_s: float
    standbys: int = 0

    @property
    def changelog(self) -> str:
        """The topic of the table's changes."""
        return f"{self.app}-{TABLE}-changelog"

    def dumps(self) -> str:
        """Encode the specification as a command-line argument."""
        return json.dumps(asdict(self))


def from_command_line() -> WorkerSpec:
    """Decode the specification from this process's command line."""
    return WorkerSpec(**json.loads(sys.argv[1]))
