"""Keep deadlines in the order of their times, so that a tick reads only those that have passed.

Rows are grouped by day. One small row says when something is due first, so that most ticks read nothing else.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Final

from streams.times import DAY_US
from tables.financial import FINANCIAL_AGENDA, FINANCIAL_DUE, Agenda, Due
from tables.keys import SEPARATOR
from tables.unit_of_work import UnitOfWork

KEY: Final = "first"


class Deadlines:
    """The deadlines of a partition."""

    def __init__(self, tables: UnitOfWork) -> None:
        self._due = tables.rows(FINANCIAL_DUE)
        self._agenda = tables.rows(FINANCIAL_AGENDA)

    def add(self, due: Due) -> None:
        """Remember a deadline. One that is known already changes nothing."""
        key = _key(due)
        if self._due.get(key) is not None:
            return
        self._due.put(key, due)
        agenda = self._agenda.get(KEY) or Agenda(first_at=due.at)
        day = _day(due.at)
        days = {**agenda.days, day: agenda.days.get(day, 0) + 1}
        self._agenda.put(KEY, Agenda(first_at=min(agenda.first_at, due.at), days=days))

    def remove(self, due: Due) -> None:
        """Forget a deadline. An unknown one is no error."""
        if self._due.get(_key(due)) is not None:
            self._remove([due])

    def take(self, now: int) -> list[Due]:
        """Remove and return the deadlines up to a time, the earliest first."""
        agenda = self._agenda.get(KEY)
        if agenda is None or agenda.first_at > now:
            return []
        passed = sorted(day for day in agenda.days if day <= _day(now))
        due = [row for day in passed for _, row in self._due.prefix(f"{day}{SEPARATOR}") if row.at <= now]
        self._remove(due)
        return due

    def _remove(self, removed: Iterable[Due]) -> None:
        agenda = self._agenda.get(KEY)
        if agenda is None:
            raise LookupError("there are deadlines, but no agenda")
        counts = Counter(agenda.days)
        for due in removed:
            self._due.delete(_key(due))
            counts[_day(due.at)] -= 1
        days = {day: count for day, count in counts.items() if count}
        if not days:
            self._agenda.delete(KEY)
            return
        first = self._due.prefix(f"{min(days)}{SEPARATOR}")[0][1].at
        self._agenda.put(KEY, Agenda(first_at=first, days=days))


def _day(at: int) -> str:
    """Return the number of a time's day as text that sorts by time."""
    return f"{at // DAY_US:06d}"


def _key(due: Due) -> str:
    return SEPARATOR.join((_day(due.at), f"{due.at:019d}", due.kind, due.subject))
