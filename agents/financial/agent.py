"""The financial agent, which consumes the events of trading."""

from __future__ import annotations

import faust

from agents.financial.domain import Financial
from agents.rulebook import Rulebook
from agents.wiring import Together, wire
from streams import topics
from streams.events.recent import Recent
from tables.financial import DOMAIN
from tables.typed import opener


def register(app: faust.App, rulebook: Rulebook, codec: Recent, *, at_least_once: bool) -> Financial:
    """Add the financial agent and tables to an app."""
    financial = Financial(opener(app, app.conf.topic_partitions), rulebook, at_least_once=at_least_once)
    wire(app, DOMAIN, financial.tables, codec, {topics.TRADING_EVENTS: Together(financial.traded_together)})
    return financial
