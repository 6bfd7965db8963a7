"""How many a second some counters grow by, from samples of them. Pure: the time comes as an argument."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Final, Generic, TypeVar

KeyT = TypeVar("KeyT")

WINDOW_MS: Final = 10_000
"""The time that a rate is the mean of, once there are samples of so long ago."""
APART_MS_MIN: Final = 500
"""The least time between two samples. A caller that samples more often changes nothing."""


class Rates(Generic[KeyT]):
    """Samples of some counters of the last `WINDOW_MS`."""

    def __init__(self) -> None:
        self._samples: deque[tuple[int, Mapping[KeyT, int]]] = deque()

    def add(self, counts: Mapping[KeyT, int], now_ms: int) -> None:
        """Take a sample. When a counter went back or is gone, as after a reset, begin anew."""
        samples = self._samples
        if samples:
            newest_ms, newest = samples[-1]
            if any(counts.get(key, 0) < count for key, count in newest.items()) or now_ms < newest_ms:
                samples.clear()
            elif now_ms - newest_ms < APART_MS_MIN:
                return
        samples.append((now_ms, counts))
        while len(samples) > 1 and now_ms - samples[1][0] >= WINDOW_MS:
            samples.popleft()

    def per_second(self, key: KeyT) -> float | None:
        """Return by how much a counter grew a second; None while there is one sample only."""
        if len(self._samples) < 2:  # noqa: PLR2004
            return None
        (from_ms, first), (to_ms, last) = self._samples[0], self._samples[-1]
        return round((last.get(key, 0) - first.get(key, 0)) * 1_000 / (to_ms - from_ms), 3)
