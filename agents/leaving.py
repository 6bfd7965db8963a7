"""Old rows leave a table: those that no rule can change any more, some time after their end.

Now and then a pass goes over the table of the partition at hand, some rows at a step, and deletes the old ones. The
steps depend on event time and on recorded events alone, so a replay deletes the same rows at the same events. The
archive keeps what has left: a table's changelog has every row, and the tombstone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any, Final

from msgspec.structs import replace

from agents.policy import Count, Policy
from streams.times import DAY_US
from tables.typed import Table, TypedTable
from tables.watermark import WATERMARK_KEY, Leaving, Watermark

PASSES: Final = 4
"""Passes over a table in the span that rows are kept. So a row leaves at most a quarter of the span late, and a pass
reads each row four times in its life."""


class RowRules(Policy):
    """How long old rows stay.

    Attributes:
        kept_days: Days of event time for which a closed trade, an ended period of a board or a day of a user is kept;
            0 keeps all rows for good.
        without_archive: Whether rows leave an installation that has no archive, too.
    """

    kept_days: Count
    without_archive: bool


def is_past(changed_on: int, today: int, kept_days: int) -> bool:
    """Return whether a row that changed last on a day is past. All days are days of the partition's event time.

    Rules take a row that is past for absent, whether it has left or not. A row of day 0 stays for good.
    """
    return 0 < changed_on <= today - kept_days


def first_mark(tables: Iterable[str], kept_days: int) -> Watermark:
    """Return the watermark of a partition without rows: rows of all times leave its tables, if they leave at all."""
    return Watermark(leaving={name: Leaving(since=0, to=0) for name in sorted(tables)} if kept_days else {})


class Sweep:
    """Deletes the old rows of a table, some at a step.

    Its state is in the row `WATERMARK_KEY` of the domain's watermarks.
    """

    def __init__(
        self,
        rows: Table[Any],
        marks: TypedTable[Watermark],
        name: str,
        kept_days: int,
        is_old: Callable[[str, Any, Leaving], bool],
    ) -> None:
        """Create it.

        Args:
            rows: The table.
            marks: The watermarks of its domain.
            name: The short name of the table.
            kept_days: As in `RowRules`.
            is_old: Returns whether a row, given with its key, is to leave.
        """
        self._rows = rows
        self._marks = marks
        self.name = name
        self._kept_us = kept_days * DAY_US
        self._is_old = is_old

    def step(self, highest: int, looks: int) -> None:
        """Look at some rows, at a watermark in microseconds, if a pass is under way or due."""
        mark = self._marks.get(WATERMARK_KEY) or Watermark()
        state = mark.leaving.get(self.name)
        if not self._kept_us:
            if state is not None:
                self._keep(mark, None)
        elif state is None:
            self._keep(mark, Leaving(since=highest, to=highest))
        elif state.cursor is not None:
            self._keep(mark, self._pass_on(state, state.cursor, looks))
        elif (to := (highest - self._kept_us) // DAY_US * DAY_US) - state.to >= self._kept_us // PASSES:
            self._keep(mark, self._pass_on(replace(state, to=to), "", looks))

    def _pass_on(self, state: Leaving, begin: str, looks: int) -> Leaving:
        """Delete the old ones of some rows from a key on; return where the next step continues."""
        rows, old = self._rows.range(begin), []
        for key, row in islice(rows, looks):
            if self._is_old(key, row, state):
                old.append(key)
        following = next(rows, None)
        for key in old:
            self._rows.delete(key)
        return replace(state, cursor=None if following is None else following[0])

    def _keep(self, mark: Watermark, state: Leaving | None) -> None:
        leaving = {name: one for name, one in mark.leaving.items() if name != self.name}
        if state is not None:
            leaving[self.name] = state
        self._marks.put(WATERMARK_KEY, replace(mark, leaving=dict(sorted(leaving.items()))))
