"""Once per event id: what makes repeated delivery harmless. Used by every domain."""

from __future__ import annotations

from tables.catalog import SEEN
from tables.typed import BytesMap, RawTable


class Once:
    """Remembers event ids, so that an event has its effect once, however often it is delivered."""

    def __init__(self, table: BytesMap) -> None:
        self._table = RawTable(table)

    def seen(self, event_id: str) -> bool:
        """Whether an event was dealt with before."""
        return self._table.get(event_id) is not None

    def mark(self, event_id: str) -> None:
        """Remember that it is dealt with."""
        self._table.put(event_id, SEEN)
