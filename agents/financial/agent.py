"""The financial domain's handlers: one for the events of trading, batch by batch, and one for all other topics."""

from __future__ import annotations

from agents.financial.domain import Financial
from agents.rulebook import Rulebook
from agents.wiring import Each, Handlers, Together
from streams import topics
from streams.events.trading import TradeExecuted
from tables.financial import DOMAIN
from tables.typed import OpenTable


def handlers(open_table: OpenTable, rulebook: Rulebook, *, at_least_once: bool) -> Handlers:
    """Return the handlers of the financial domain."""
    financial = Financial(open_table, rulebook, at_least_once=at_least_once)
    each = Each(financial.handle, financial.handle.classes)
    traded = Together(financial.traded_together, (TradeExecuted,))
    return Handlers(financial.tables, {**dict.fromkeys(DOMAIN.consumes, each), topics.TRADING_EVENTS: traded})
