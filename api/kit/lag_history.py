"""How long ago each partition's end passed an offset, from samples of its end. Pure: the time comes as an argument."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from typing import NamedTuple

from faust_redis.log import TopicPartition

SAMPLES_MAX = 240
"""Samples kept of a partition. When there are more, every second one of the older half is dropped, so that the times
of the last minutes are exact to a second, and older ones coarser."""


class Delay(NamedTuple):
    """How long records have been waiting.

    Attributes:
        seconds: Since the oldest waiting record was written; 0 when none waits.
        at_least: The record is older than the samples: it has waited for at least so long.
    """

    seconds: float
    at_least: bool


NONE = Delay(0.0, at_least=False)


class LagHistory:
    """Ends of partitions and when they were seen first."""

    def __init__(self) -> None:
        self._ends: dict[TopicPartition, list[int]] = {}
        self._seen_ms: dict[TopicPartition, list[int]] = {}

    def add(self, ends: Mapping[TopicPartition, int], now_ms: int) -> None:
        """Take a sample. Drop the samples of a partition whose end went back, because the log is another one now."""
        for tp, end in ends.items():
            known, seen = self._ends.setdefault(tp, []), self._seen_ms.setdefault(tp, [])
            if known and end < known[-1]:
                known.clear()
                seen.clear()
            if not known or end > known[-1]:
                known.append(end)
                seen.append(now_ms)
                if len(known) > SAMPLES_MAX:
                    del known[1 : SAMPLES_MAX // 2 : 2], seen[1 : SAMPLES_MAX // 2 : 2]

    def delay(self, tp: TopicPartition, committed: int, now_ms: int) -> Delay:
        """Return how long ago the end of a partition passed an offset."""
        known = self._ends.get(tp, [])
        first = bisect_right(known, committed)
        if first == len(known):
            return NONE
        return Delay(max(0, now_ms - self._seen_ms[tp][first]) / 1_000, at_least=first == 0)
