"""The options of the command line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Parameters:
    """Options of `python -m tests.bench`. `say` prints a line of progress at once."""

    runs: int
    seed: int
    events: int
    styles: tuple[str, ...]
    store: str
    load: float
    share_cores: bool
    minutes: float
    workers: tuple[int, ...]
    fills: int
    people: int
    days: int
    requests: int
    commits: int
    players: int
    keys: int
    rate: float
    seconds: float
    subscribers: int
    flood: int
    feed_rate: float
    row_rate: float
    outbox_rate: float
    lease: float
    standbys: int
    say: Callable[[str], None]

    def seeds(self) -> range:
        """Return a seed for each run."""
        return range(self.seed, self.seed + self.runs)
