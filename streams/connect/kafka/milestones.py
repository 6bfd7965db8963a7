"""Which offset of a partition's copy an offset of the original corresponds to, as far as it matters."""

from __future__ import annotations

from collections import deque

PAIRS_MAX = 4_096  # of a partition; beyond it every second one is forgotten, which makes answers later, not wrong


class Milestones:
    """Pairs (`there`, `here`): whoever has all of Kafka's partition below `there` has all of the log's below `here`.

    They are not offset for offset: Kafka's have gaps, and a command that was sent on twice stands there twice.
    """

    def __init__(self, there: int, here: int) -> None:
        self._pairs = deque([(there, here)])

    def add(self, there: int, here: int) -> None:
        """A later pair."""
        self._pairs.append((there, here))
        if len(self._pairs) > PAIRS_MAX:
            self._pairs = deque([*list(self._pairs)[:-1:2], self._pairs[-1]])

    @property
    def last(self) -> int:
        """The log's offset of the last pair."""
        return self._pairs[-1][1]

    def reached(self, there: int) -> int | None:
        """The log's offset that Kafka's amounts to; None below the first pair. Earlier pairs are forgotten."""
        if there < self._pairs[0][0]:
            return None
        while len(self._pairs) > 1 and self._pairs[1][0] <= there:
            self._pairs.popleft()
        return self._pairs[0][1]
