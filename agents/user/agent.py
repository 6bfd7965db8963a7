"""The user domain's handlers: one for all topics."""

from __future__ import annotations

from agents.rulebook import Rulebook
from agents.user.domain import User
from agents.wiring import Each, Handlers
from tables.typed import OpenTable
from tables.user import DOMAIN


def handlers(open_table: OpenTable, rulebook: Rulebook, *, at_least_once: bool) -> Handlers:
    """Return the handlers of the user domain."""
    user = User(open_table, rulebook, at_least_once=at_least_once)
    return Handlers(user.tables, dict.fromkeys(DOMAIN.consumes, Each(user.handle, user.handle.classes)))
