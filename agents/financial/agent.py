"""The financial domain's handlers, which take the events of trading."""

from __future__ import annotations

from agents.financial.domain import Financial
from agents.rulebook import Rulebook
from agents.wiring import Handlers, Together
from streams import topics
from tables.typed import OpenTable


def handlers(open_table: OpenTable, rulebook: Rulebook, *, at_least_once: bool) -> Handlers:
    """Return the handlers of the financial domain."""
    financial = Financial(open_table, rulebook, at_least_once=at_least_once)
    return Handlers(financial.tables, {topics.TRADING_EVENTS: Together(financial.traded_together)})
