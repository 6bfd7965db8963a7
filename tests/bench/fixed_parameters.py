"""A tiny benchmark: it shows that a part works and counts right, not how fast anything is."""

from collections.abc import Iterator
from itertools import islice
from typing import Any

from tests.bench.catalog import part
from tests.bench.parameters import Parameters
from tests.bench.result import Result

TINY: dict[str, Any] = {
    "runs": 1,
    "seed": 1,
    "events": 500,
    "styles": ("event",),
    "store": "faust-redis-rocksdb://",
    "load": 0.2,
    "share_cores": False,
    "minutes": 0.02,
    "workers": (),
    "fills": 40,
    "people": 12,
    "days": 1,
    "requests": 50,
    "commits": 20,
    "players": 700,
    "keys": 400,
    "rate": 20.0,
    "seconds": 1.0,
    "subscribers": 50,
    "flood": 300,
    "feed_rate": 20.0,
    "row_rate": 20.0,
    "outbox_rate": 50.0,
    "lease": 1.0,
    "standbys": 0,
}


def measured(name: str, lines: list[str] | None = None, first: int | None = None, **options: Any) -> list[Result]:
    """Run a part with tiny counts and return its results, or the first ones; progress lines go to `lines`."""
    printed: list[str] = [] if lines is None else lines
    found: Iterator[Result] = part(name)(Parameters(say=printed.append, **{**TINY, **options}))
    return list(islice(found, first))
