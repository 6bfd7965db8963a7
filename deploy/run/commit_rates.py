"""How many commits a second each domain of a worker makes, and how long they take: what its heartbeat tells the broker.

The figures come from the histogram that the worker keeps for Prometheus. So a commit costs nothing more, and a
heartbeat carries some 60 bytes a domain.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, Final

from prometheus_client import Histogram

from api.kit.rates import Rates

NS_IN_MS: Final = 1_000_000
US_IN_S: Final = 1_000_000
COUNT, SUM = "_count", "_sum"


class CommitRates:
    """The commits of one process: means of the last seconds, by domain."""

    def __init__(self, commit_seconds: Histogram) -> None:
        self._histogram = commit_seconds
        self._rates: Rates[tuple[str, str]] = Rates()

    def described(self, now_ms: int | None = None) -> dict[str, Any]:
        """Return the commits a second and the mean milliseconds of one, for each domain with two samples."""
        sample = dict(self._sample())
        self._rates.add(sample, time.monotonic_ns() // NS_IN_MS if now_ms is None else now_ms)
        found = {}
        for domain in dict.fromkeys(domain for domain, _ in sample):
            per_second, us = self._rates.per_second((domain, COUNT)), self._rates.per_second((domain, SUM))
            if per_second is not None and us is not None:
                mean_ms = round(us / per_second / 1_000, 3) if per_second else None
                found[domain] = {"per_second": per_second, "mean_ms": mean_ms}
        return {"commits": found}

    def _sample(self) -> Iterator[tuple[tuple[str, str], int]]:
        for metric in self._histogram.collect():
            for sample in metric.samples:
                if sample.name.endswith(COUNT):
                    yield (sample.labels["domain"], COUNT), int(sample.value)
                elif sample.name.endswith(SUM):
                    yield (sample.labels["domain"], SUM), round(sample.value * US_IN_S)
