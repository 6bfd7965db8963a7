"""Map offsets of a partition on Kafka to offsets of the same partition in the log."""

from __future__ import annotations

from collections import deque

PAIRS_MAX = 4_096  # of a partition; above it every second pair is dropped, which makes answers later but not wrong


class Milestones:
    """Pairs (`there`, `here`): a reader of Kafka's partition up to `there` has all records of the log below `here`.

    Offsets differ because Kafka's have gaps, and because Kafka may have a forwarded command twice.
    """

    def __init__(self, there: int, here: int) -> None:
        self._pairs = deque([(there, here)])

    def add(self, there: int, here: int) -> None:
        """Add a later pair."""
        self._pairs.append((there, here))
        if len(self._pairs) > PAIRS_MAX:
            self._pairs = deque([*list(self._pairs)[:-1:2], self._pairs[-1]])

    @property
    def last(self) -> int:
        """Return the log's offset of the last pair."""
        return self._pairs[-1][1]

    def log_offset(self, there: int) -> int | None:
        """Return the log's offset for an offset of Kafka, or None below the first pair. Drop earlier pairs."""
        if there < self._pairs[0][0]:
            return None
        while len(self._pairs) > 1 and self._pairs[1][0] <= there:
            self._pairs.popleft()
        return self._pairs[0][1]
