"""Keep the deadlines of users: when a reward is announced to expire, when it expires, when a streak warning is sent.

The keys of the rows sort by time. So a tick reads only the deadlines that have passed, and one more.
"""

from __future__ import annotations

from itertools import islice, takewhile

from tables.gamification import GAMIFICATION_DUE, Due, DueKind
from tables.keys import SEPARATOR
from tables.unit_of_work import UnitOfWork


class Deadlines:
    """The deadlines of a partition's users."""

    def __init__(self, tables: UnitOfWork, due_max: int) -> None:
        """Open the table.

        Args:
            tables: The domain's tables.
            due_max: How many deadlines one tick handles. Further ones wait for the next tick.
        """
        self._rows = tables.rows(GAMIFICATION_DUE)
        self._due_max = due_max

    def put(self, kind: DueKind, user_id: str, about: str, at: int) -> None:
        """Add a deadline at a time in microseconds."""
        self._rows.put(_key(kind, user_id, about, at), Due(kind=kind, user_id=user_id, about=about))

    def remove(self, kind: DueKind, user_id: str, about: str, at: int) -> None:
        """Remove a deadline. A missing one is no error."""
        self._rows.delete(_key(kind, user_id, about, at))

    def take(self, now: int) -> list[Due]:
        """Remove and return the deadlines that have passed, in the order of their times, at most `due_max`."""
        passed = takewhile(lambda entry: int(entry[0].partition(SEPARATOR)[0]) <= now, self._rows.range(""))
        due = list(islice(passed, self._due_max))
        for key, _ in due:
            self._rows.delete(key)
        return [row for _, row in due]


def _key(kind: DueKind, user_id: str, about: str, at: int) -> str:
    return SEPARATOR.join((f"{at:019d}", kind, user_id, about))
