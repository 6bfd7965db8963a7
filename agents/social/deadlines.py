"""Deadlines: what to do once a tick has passed a time. Each partition keeps its own.

A key is ``due|<19 digits of microseconds>|<kind>|<subject>``, so that keys sort by time. The row `next` holds the
earliest of these times. So a tick at which nothing is due reads one row and writes none.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, Protocol, cast

from agents.dispatch import Rules
from streams.events import AnyEvent, Event
from streams.events.clock import Ticked
from tables.keys import SEPARATOR
from tables.social_constellations import SOCIAL_DEADLINES, Deadline
from tables.unit_of_work import UnitOfWork

DUE_MAX: Final = 1_000
"""How many deadlines one tick handles. Further ones wait for the next tick."""

Kind = Literal[
    "follow", "membership", "engagement", "entry", "points", "answer", "challenge", "side", "score", "closing"
]

_NEXT: Final = "next"
_DUE: Final = f"due{SEPARATOR}"


class WhenDue(Protocol):
    """Applies a passed deadline. It returns no events when the rows say that the deadline no longer holds."""

    def __call__(self, subject: str, tick: Event[Ticked]) -> list[AnyEvent]:
        """Handle a subject at a tick."""


class Deadlines:
    """The deadlines of the partition at hand."""

    def __init__(self, tables: UnitOfWork) -> None:
        self._rows = tables.rows(SOCIAL_DEADLINES)
        self._handlers: dict[Kind, WhenDue] = {}

    def on(self, handlers: Mapping[Kind, WhenDue]) -> None:
        """Add the handlers of kinds of deadlines."""
        self._handlers.update(handlers)

    def add(self, kind: Kind, subject: str, at: int) -> None:
        """Handle a subject at the first tick that has reached a time."""
        self._rows.put(f"{_DUE}{at:019d}{SEPARATOR}{kind}{SEPARATOR}{subject}", Deadline(at=at))
        earliest = self._rows.get(_NEXT)
        if earliest is None or at < earliest.at:
            self._rows.put(_NEXT, Deadline(at=at))

    def rules(self) -> Rules:
        """Return the rule of the clock's ticks."""
        return {Ticked: self._ticked}

    def _ticked(self, tick: Event[Ticked]) -> list[AnyEvent]:
        earliest = self._rows.get(_NEXT)
        if earliest is None or tick.time < earliest.at:
            return []
        listed = self._rows.prefix(_DUE)
        due = [key for key, deadline in listed if deadline.at <= tick.time][:DUE_MAX]
        for key in due:
            self._rows.delete(key)
        if len(listed) > len(due):
            self._rows.put(_NEXT, listed[len(due)][1])
        else:
            self._rows.delete(_NEXT)
        effects: list[AnyEvent] = []
        for key in due:
            _, _, kind, subject = key.split(SEPARATOR, 3)
            effects += self._handlers[cast("Kind", kind)](subject, tick)
        return effects
