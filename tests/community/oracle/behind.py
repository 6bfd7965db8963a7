"""What is behind a row: the ids of the journal's entries that changed it. Standard library only."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable


class Behind:
    """The entries behind each row of a domain's tables."""

    def __init__(self) -> None:
        self._entries: dict[tuple[str, str], set[str]] = defaultdict(set)

    def note(self, table: str, key: str, causes: Iterable[str]) -> None:
        """Note that entries changed a row, also where the row is deleted."""
        self._entries[table, key].update(causes)

    def folded(self, table: str, key: str) -> set[str]:
        """Return the ids of the entries that changed a row."""
        return set(self._entries.get((table, key), ()))
