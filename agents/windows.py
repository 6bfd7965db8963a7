"""Windows of event time in the partition at hand: which are open, which events came too late, which are deleted.

A window is open until the watermark has passed its end by the grace. An event that comes later is counted and dropped.
A window is deleted when the watermark has passed its end by the time that the rule book keeps it.
"""

from __future__ import annotations

from typing import Any, Self

from msgspec.structs import replace
from pydantic import model_validator

from agents.policy import Count, Policy, Positive
from streams.times import HOUR_US, Instant
from tables.keys import SEPARATOR
from tables.typed import TypedTable
from tables.watermark import WATERMARK_KEY, Watermark
from tables.windows import INTERVALS, LENGTHS_US, Interval, added, begin_of, kept_from, window_key


class WindowRules(Policy):
    """How long windows are kept.

    Attributes:
        kept_h: For each interval, the hours after its end in which a window is kept; 0 keeps it for good.
        deleted_max: The number of old windows of an interval after which a batch stops deleting. The batch also deletes
            the other windows that begin at the same time as the last of them, because readers hide a window by its
            begin alone.
    """

    kept_h: dict[Interval, Count]
    deleted_max: Positive

    @model_validator(mode="after")
    def _each_interval_has_a_number(self) -> Self:
        if self.kept_h.keys() != set(INTERVALS):
            raise ValueError(f"expected kept_h for {', '.join(INTERVALS)}, got {', '.join(self.kept_h)}")
        return self


class EventTime:
    """A watermark of the partition at hand, and the windows that it leaves open."""

    def __init__(self, rows: TypedTable[Watermark], grace_h: int, key: str = WATERMARK_KEY) -> None:
        self._rows = rows
        self._key = key
        self._grace_us = grace_h * HOUR_US
        self._admitted = 0
        """The highest time of events that were admitted since the last `settle`."""

    def _row(self) -> Watermark:
        return self._rows.get(self._key) or Watermark()

    @property
    def highest(self) -> int:
        """Return the watermark, in microseconds."""
        return self._admitted or self._row().highest

    @property
    def settled(self) -> int:
        """Return the watermark as of the last `settle`; 0 before the first. No window that begins later has a row."""
        return self._row().highest

    def admit(self, time: int, intervals: tuple[Interval, ...]) -> tuple[Interval, ...]:
        """Move the watermark on to the time of an event; an older event leaves it. Return the open intervals."""
        if not self._admitted:
            self._admitted = self._row().highest
        if time > self._admitted:
            self._admitted = int(time)
            return intervals
        return self.open(time, intervals, self._admitted)

    def settle(self) -> None:
        """Write the watermark that the admitted events have reached."""
        if self._admitted and self._admitted > (row := self._row()).highest:
            self._rows.put(self._key, replace(row, highest=self._admitted))
        self.forget()

    def forget(self) -> None:
        """Forget the admitted events."""
        self._admitted = 0

    def open(self, time: int, intervals: tuple[Interval, ...], highest: int) -> tuple[Interval, ...]:
        """Return the intervals whose window of a time is open at a watermark, and count those that are closed."""
        if time + self._grace_us > highest:
            return intervals
        closed = [one for one in intervals if self._closed(time, one, highest)]
        if closed:
            row = self._row()
            dropped = added(row.dropped, dict.fromkeys(closed, 1))
            self._rows.put(self._key, replace(row, dropped=dropped))
        return tuple(one for one in intervals if one not in closed)

    def _closed(self, time: int, interval: Interval, highest: int) -> bool:
        return begin_of(time, interval) + LENGTHS_US[interval] + self._grace_us <= highest

    def kept_from(self, interval: Interval) -> int:
        """Return the beginning of the oldest window that the partition has not deleted."""
        return self._row().kept_from.get(interval, 0)

    def keep_from(self, interval: Interval, begin: int) -> None:
        """Note the beginning of the oldest window that the partition has not deleted."""
        row = self._row()
        self._rows.put(self._key, replace(row, kept_from=dict(sorted((row.kept_from | {interval: begin}).items()))))


class Expiry:
    """Deletes the old windows of a table, oldest first, a bounded number at a time.

    Where several watermarks concern a table, an expiry deletes the windows whose key ends with `last_name`.
    """

    def __init__(
        self,
        rows: TypedTable[Any],
        time: EventTime,
        intervals: tuple[Interval, ...],
        rules: WindowRules,
        last_name: str = "",
    ) -> None:
        self._rows = rows
        self._time = time
        self._kept_us = {one: hours * HOUR_US for one in intervals if (hours := rules.kept_h[one])}
        self._deleted_max = rules.deleted_max
        self._last_name = last_name

    def kept_from(self) -> dict[Interval, int]:
        """Return where the oldest window that is still kept begins, by interval whose windows are deleted at all."""
        highest = self._time.highest
        return {one: kept_from(highest, one, kept_us) for one, kept_us in self._kept_us.items()}

    def act(self) -> None:
        """Delete windows that the watermark has left behind. Look for them only when it has reached another window."""
        for interval, end in self.kept_from().items():
            begin = self._time.kept_from(interval)
            if begin < end:
                self._time.keep_from(interval, self._delete(interval, begin, end))

    def _delete(self, interval: Interval, begin: int, end: int) -> int:
        """Delete windows from `begin` on and before `end`; return where the oldest one that is left begins."""
        found: list[str] = []
        for key in self._rows.keys(window_key(interval, begin), window_key(interval, end)):
            if not key.endswith(self._last_name):
                continue
            if len(found) >= self._deleted_max and _begin_in(key) != _begin_in(found[-1]):
                end = _begin_in(key)
                break
            found.append(key)
        for key in found:
            self._rows.delete(key)
        return end


def _begin_in(key: str) -> int:
    """Return when the window of a key begins."""
    return Instant.parse(key.split(SEPARATOR)[1])
