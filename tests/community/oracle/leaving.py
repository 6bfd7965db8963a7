"""Old rows: which trades are over, and which rows may have left (docs/tables.md, "Old rows leave").

A row is past when it has not changed for `kept_days` of its partition's event time, or when its period or day ended so
long ago. When it leaves after that depends on passes over the table, so the oracle says only that it may have left.
"""

from __future__ import annotations

from tests.community.oracle.partitions import partition_of
from tests.community.oracle.times import DAY, at, end_of


class Ages:
    """The days on which trades changed last, as days of what each partition has seen of each mode."""

    def __init__(self, partitions: int, kept_days: int) -> None:
        self._partitions = partitions
        self._kept_days = kept_days
        self._highest: dict[tuple[int, str], int] = {}
        self._changed: dict[str, int] = {}

    def touch(self, user: str, mode: str, key: str, time: int) -> None:
        """Note that a trade changed."""
        self._changed[key] = max(self._today(user, mode), time // DAY)

    def executed(self, user: str, mode: str, time: int) -> None:
        """Note what a partition has seen."""
        place = partition_of(user, self._partitions), mode
        self._highest[place] = max(self._highest.get(place, 0), time)

    def is_past(self, user: str, mode: str, key: str, *, is_open: bool) -> bool:
        """Return whether a trade has been over for the kept days. Open practice trades are never."""
        if not self._kept_days or (is_open and mode != "live"):
            return False
        return self._changed[key] <= self._today(user, mode) - self._kept_days

    def _today(self, user: str, mode: str) -> int:
        return self._highest.get((partition_of(user, self._partitions), mode), 0) // DAY


def ended_by(table: str, key: str, highest: int, kept_days: int) -> bool:
    """Return whether a standing or a day of a user ended the kept days before a time in microseconds."""
    if table == "gamification-days":
        end: int | None = at(f"{key.rpartition('|')[2]}T00:00:00Z") + DAY
    else:
        end = end_of(key.split("/")[1])
    return end is not None and end <= highest // DAY * DAY - kept_days * DAY
