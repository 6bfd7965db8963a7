"""A user's inbox: the latest 200 notifications, which of them are read, and the muted kinds (domain.md section 13)."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from tests.community.oracle.crossing import Causes

KEPT: Final = 200


@dataclass(slots=True)
class Notification:
    """What a user sees: a kind, a text with arguments, and a time."""

    kind: str
    text: str
    arguments: dict[str, str]
    at: int
    causes: set[str]
    read: bool = False

    @property
    def shown(self) -> tuple[str, str, str, int]:
        """Return what tells it from the user's others."""
        return self.kind, self.text, json.dumps(self.arguments, sort_keys=True), self.at


@dataclass(slots=True)
class Inbox:
    """The inbox of one user. It exists once something was received."""

    received: int = 0
    kept: list[Notification] = field(default_factory=list)
    causes: set[str] = field(default_factory=set)

    def keep(self, one: Notification) -> None:
        """Keep a notification, in the place of the oldest."""
        self.received += 1
        self.kept = [*self.kept, one][-KEPT:]
        self.causes.update(one.causes)

    def read(self, wanted: Iterable[tuple[str, str, str, int]] | None, causes: Causes) -> None:
        """Mark notifications as read: those that are named by what they show, or all."""
        named = None if wanted is None else set(wanted)
        for one in self.kept:
            if not one.read and (named is None or one.shown in named):
                one.read = True
                one.causes.update(causes)
                self.causes.update(causes)

    def row(self) -> dict[str, Any]:
        """Return the counts as a row shows them."""
        return {"received": self.received, "unread": sum(not one.read for one in self.kept)}


def notification_key(user: str, kind: str, text: str, arguments: dict[str, str], at: int) -> str:
    """Return the oracle's key of a notification: the user, and what the user sees."""
    return "|".join((user, str(at), kind, text, json.dumps(arguments, sort_keys=True)))
