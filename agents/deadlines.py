"""Keep deadlines, and handle each at the first tick of the clock that has reached its time.

A tick reads the deadlines that have passed and one more, and writes nothing when none has.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import islice, takewhile
from typing import Generic, TypeVar, cast

from streams.events import AnyEvent, Event
from streams.events.clock import Ticked
from tables.deadlines import Deadline, deadline_key, parts_of
from tables.typed import TypedTable

KindT = TypeVar("KindT", bound=str)


WhenDue = Callable[[str, Event[Ticked]], list[AnyEvent]]
"""Handles the subject of a deadline at a tick. It does nothing when the rows say that the deadline no longer holds."""


class Deadlines(Generic[KindT]):
    """The deadlines of the partition at hand, of several kinds."""

    def __init__(self, rows: TypedTable[Deadline], per_tick_max: int) -> None:
        """Keep deadlines in a table.

        Args:
            rows: The table.
            per_tick_max: How many deadlines one tick handles. Further ones wait for the next tick.
        """
        self._rows = rows
        self._per_tick_max = per_tick_max
        self._handlers: dict[KindT, WhenDue] = {}

    def on(self, handlers: Mapping[KindT, WhenDue]) -> None:
        """Add the handlers of kinds of deadlines."""
        self._handlers.update(handlers)

    def add(self, kind: KindT, subject: str, at: int) -> None:
        """Handle a subject at the first tick that has reached a time in microseconds."""
        self._rows.put(deadline_key(kind, subject, at), Deadline(at=at))

    def remove(self, kind: KindT, subject: str, at: int) -> None:
        """Forget a deadline. A missing one is no error."""
        self._rows.delete(deadline_key(kind, subject, at))

    def act(self, tick: Event[Ticked]) -> list[AnyEvent]:
        """Remove and handle the deadlines that have passed, in the order of their times."""
        passed = takewhile(lambda entry: entry[1].at <= tick.time, self._rows.range(""))
        due = [key for key, _ in islice(passed, self._per_tick_max)]
        for key in due:
            self._rows.delete(key)
        effects: list[AnyEvent] = []
        for key in due:
            _, kind, subject = parts_of(key)
            effects += self._handlers[cast("KindT", kind)](subject, tick)
        return effects
