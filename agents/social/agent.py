"""The social domain's handlers: one for all topics."""

from __future__ import annotations

from agents.rulebook import Rulebook
from agents.social.domain import Social
from agents.wiring import Each, Handlers
from tables.social import DOMAIN
from tables.typed import OpenTable


def handlers(open_table: OpenTable, rulebook: Rulebook, *, at_least_once: bool) -> Handlers:
    """Return the handlers of the social domain."""
    social = Social(open_table, rulebook, at_least_once=at_least_once)
    return Handlers(social.tables, dict.fromkeys(DOMAIN.consumes, Each(social.handle, social.handle.classes)))
