"""Bound a search of the log: how many records of each partition, from when on, how many events, and how long."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Final

from faust_redis.log import Log, TopicPartition

from streams.times import MILLISECOND_US, Instant

FETCH_RECORDS: Final = 2_000


class Bounds:
    """How much of the log a search may read, and what it left out.

    Attributes:
        fetch_records: About how many records are read, and searched, in one step.
    """

    def __init__(
        self,
        *,
        each: int | None = None,
        events: int | None = None,
        seconds: float | None = None,
        fetch_records: int = FETCH_RECORDS,
    ) -> None:
        """Set the bounds; None for no bound.

        Args:
            each: Read only so many records of each partition: the newest, or those from `begin_at` on.
            events: Find at most so many events.
            seconds: Stop after so long.
            fetch_records: About how many records to read in one step.
        """
        self.fetch_records = fetch_records
        self._each, self._events, self._seconds = each, events, seconds
        self._end_s = None if seconds is None else time.monotonic() + seconds
        self._begins: Mapping[TopicPartition, int] = {}
        self._window, self._is_window_cut, self._is_earlier_left = "", False, False
        self._stopped: dict[str, None] = {}
        self.begin_at_newest()

    @property
    def cut(self) -> list[str]:
        """Return what was left out, one text for each kind; empty when everything was read."""
        return [*([self._window] if self._is_window_cut else ()), *self._stopped]

    def begin_at(self, begins: Mapping[TopicPartition, int], time_ms: int) -> None:
        """Read on from these offsets, which belong to a time."""
        since = Instant(time_ms * MILLISECOND_US).text()
        self._begins, self._is_window_cut, self._is_earlier_left = begins, False, False
        self._window = f"of each partition at most {self._each} records from {since} on were read"

    def begin_at_newest(self) -> None:
        """Read the newest records on."""
        self._begins, self._is_window_cut, self._is_earlier_left = {}, False, False
        self._window = f"only the newest {self._each} records of each partition were read"

    def window(self, tp: TopicPartition, kept: range) -> range:
        """Return which of the offsets that the log keeps of a partition to read: all, unless there are too many.

        What is before the offset of a time that the search begins at is not left out, unless `miss_earlier` says so.
        """
        if self._each is None or len(kept) <= self._each:
            return kept
        begin = max(kept.start, self._begins.get(tp, kept.stop - self._each))
        found = range(begin, min(kept.stop, begin + self._each))
        self._is_window_cut |= found.stop < kept.stop or not self._begins
        self._is_earlier_left |= found.start > kept.start
        return found

    def miss_earlier(self) -> None:
        """Say that what is searched for may lie before the offsets that were read, where there are any."""
        self._is_window_cut |= self._is_earlier_left

    def is_over(self, events: int = 0) -> bool:
        """Return whether to stop, for the time or the number of events found so far."""
        if self._end_s is not None and time.monotonic() > self._end_s:
            self._stopped[f"the search stopped after {self._seconds:g} s"] = None
            return True
        if self._events is not None and events >= self._events:
            self._stopped[f"the search stopped at {self._events} events"] = None
            return True
        return False


async def offsets_at(log: Log, topics: Iterable[str], time_ms: int) -> dict[TopicPartition, int]:
    """Return the first offset of each partition whose record is of a time or later, as far as times ascend.

    Records have the time of their event. So an event that was told late may lie behind later ones, and the offset is
    then one at which the time was passed. All partitions are searched together, in about twenty steps.
    """
    low: dict[TopicPartition, int] = {}
    high: dict[TopicPartition, int] = {}
    for topic in topics:
        begins, ends = await log.beginning_offsets(topic), await log.end_offsets(topic)
        low.update({TopicPartition(topic, partition): begins[partition] for partition in ends})
        high.update({TopicPartition(topic, partition): end for partition, end in ends.items()})
    while middles := {tp: (low[tp] + high[tp]) // 2 for tp in low if low[tp] < high[tp]}:
        found = await log.at(middles)
        for tp, middle in middles.items():
            record = found[tp]
            if record is None or record.timestamp_ms < time_ms:  # None: trimmed meanwhile
                low[tp] = middle + 1
            else:
                high[tp] = middle
    return low
