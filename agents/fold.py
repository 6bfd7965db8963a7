"""Fold the topics of a domain over empty tables, without Faust and without sending what follows.

A worker processes one event of a partition after another, in the order of their appending. The same handlers over the
same events in the same order give the same rows. So a fold says what each event changed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from agents.registry import handlers_of
from agents.rulebook import Rulebook
from agents.wiring import Broadcast, Together
from streams.events import AnyEvent
from streams.topology import TableSpec
from tables.rows_in_memory import RowsInMemory

Place = tuple[str, bytes]
"""The name of a table, and a key in it."""


class Step(NamedTuple):
    """What one event did.

    Attributes:
        effects: The events that follow.
        changed: The rows that it wrote or deleted.
    """

    effects: list[AnyEvent]
    changed: frozenset[Place]


class Fold:
    """The tables of one partition of a domain.

    Attributes:
        rows: The rows of each table, by the table's name.
    """

    def __init__(self, domain: str, rulebook: Rulebook, *, at_least_once: bool = False) -> None:
        self.rows: dict[str, _Rows] = {}
        self._changed: set[Place] = set()
        made = handlers_of(domain)(self._open, rulebook, at_least_once=at_least_once)
        self._tables, self._handlers = made.tables, made.by_topic

    def _open(self, spec: TableSpec[Any]) -> _Rows:
        def note(key: bytes) -> None:
            self._changed.add((spec.name, key))

        self.rows[spec.name] = _Rows(note)
        return self.rows[spec.name]

    def apply(self, topic: str, event: AnyEvent) -> Step:
        """Apply the next event of the partition, which came in a topic that the domain consumes."""
        handler = self._handlers[topic]
        if isinstance(handler, Broadcast):
            return Step([], frozenset())
        self._changed.clear()
        with self._tables.batch():
            effects = handler.handle([event]) if isinstance(handler, Together) else handler(event)
        return Step(effects, frozenset(self._changed))


class _Rows(RowsInMemory):
    """The rows of one table, which notes each key that changes."""

    def __init__(self, note: Callable[[bytes], None]) -> None:
        super().__init__()
        self._note = note

    def __setitem__(self, key: bytes, value: bytes) -> None:
        if self.get(key) != value:
            self._note(key)
        super().__setitem__(key, value)

    def __delitem__(self, key: bytes) -> None:
        super().__delitem__(key)
        self._note(key)
