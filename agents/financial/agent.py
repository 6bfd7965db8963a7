"""The financial agent: it reads executions and accrues their fees."""

from __future__ import annotations

from typing import Any

import faust
from faust.types import StreamT

from agents.financial.domain import Financial
from agents.rulebook import Rulebook
from agents.wiring import consume, raw_topic
from streams import topics
from tables.typed import opener


def register(app: faust.App, rulebook: Rulebook) -> Financial:
    """Add the financial agent and its tables to an application."""
    financial = Financial(opener(app, app.conf.topic_partitions), rulebook)
    events = raw_topic(app, topics.FINANCIAL_EVENTS)

    async def traded(stream: StreamT[Any]) -> None:
        await consume(stream, financial.traded, events)

    app.agent(raw_topic(app, topics.TRADING_EVENTS), name="financial-trading")(traded)
    return financial
