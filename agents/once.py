"""Once per event id: what makes repeated delivery harmless. Used by every domain."""

from __future__ import annotations

from typing import Any, Final

from streams.topology import TableSpec
from tables.unit_of_work import UnitOfWork

SEEN: Final = b"1"


class Once:
    """Remembers event ids, so that an event has its effect once, however often it is delivered."""

    def __init__(self, tables: UnitOfWork, spec: TableSpec[Any]) -> None:
        self._table = tables.raw(spec)

    def seen(self, event_id: str) -> bool:
        """Whether an event was dealt with before."""
        return self._table.get(event_id) is not None

    def mark(self, event_id: str) -> None:
        """Remember that it is dealt with."""
        self._table.put(event_id, SEEN)
