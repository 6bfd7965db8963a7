"""The financial agent: it reads executions and accrues their fees."""

from __future__ import annotations

from functools import partial

import faust

from agents.financial.domain import Financial
from agents.rulebook import Rulebook
from agents.wiring import consume, raw_topic, work
from streams import topics
from streams.events.recent import Recent
from tables.typed import opener


def register(app: faust.App, rulebook: Rulebook, codec: Recent) -> Financial:
    """Add the financial agent and its tables to an application."""
    financial = Financial(opener(app, app.conf.topic_partitions), rulebook)
    does = partial(work, tables=financial.tables, codec=codec)
    events, traded = raw_topic(app, topics.FINANCIAL_EVENTS), raw_topic(app, topics.TRADING_EVENTS)
    consume(app, traded, "financial-trading", partial(does, handle=financial.traded, out=events))
    return financial
