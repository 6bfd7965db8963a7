"""What followers see of a user: one entry for each fact, of which the newest are kept.

An entry of the product has the id of its event. The oracle does not know these ids, so it cannot tell which of several
entries of one moment give way to newer ones: rows leave out the oldest moment of a full row.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tests.community.oracle.behind import Behind
from tests.community.oracle.crossing import Causes


def settled(entries: list[dict[str, Any]], kept: int) -> list[dict[str, Any]]:
    """Return the newest entries in a fixed order, without those of the oldest moment where some of it gave way."""
    ordered = sorted(entries, key=lambda one: (-one["at"], one["text"], json.dumps(one, sort_keys=True)))
    if len(ordered) < kept:
        return ordered
    oldest = ordered[kept - 1]["at"]
    return [one for one in ordered[:kept] if one["at"] > oldest]


class Feed:
    """The entries of all users."""

    def __init__(self, kept: int, behind: Behind, is_closed: Callable[[str], bool]) -> None:
        self.kept = kept
        self.behind = behind
        self.is_closed = is_closed
        self.entries: dict[str, list[dict[str, Any]]] = {}

    def add(self, user: str, kind: str, text: str, arguments: dict[str, str], *, at: int, causes: Causes) -> None:
        """Add an entry. A closed account gets none."""
        if self.is_closed(user):
            return
        entry = {"at": at, "kind": kind, "text": text, "arguments": arguments}
        mine = self.entries.setdefault(user, [])
        mine.append(entry)
        if len(mine) > 2 * self.kept:
            oldest = sorted((one["at"] for one in mine), reverse=True)[self.kept - 1]
            self.entries[user] = [one for one in mine if one["at"] >= oldest]
        self.behind.note("social-feed", user, causes)

    def remove(self, user: str, causes: Causes) -> None:
        """Remove all entries of a user."""
        if self.entries.pop(user, None) is not None:
            self.behind.note("social-feed", user, causes)

    def rows(self) -> dict[str, dict[str, Any]]:
        """Return the rows."""
        return {user: {"entries": settled(entries, self.kept)} for user, entries in self.entries.items()}
