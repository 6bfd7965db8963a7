"""The trading agents: commands, prices handed to every partition, marks with liquidation, level ups."""

from __future__ import annotations

from typing import Any

import faust
from faust.types import StreamT

from agents.rulebook import Rulebook
from agents.trading.domain import Trading
from agents.wiring import consume, copy_to_all, raw_topic
from streams import topics
from tables.typed import opener


def register(app: faust.App, rulebook: Rulebook) -> Trading:
    """Add the trading agents and tables to an application."""
    trading = Trading(opener(app, app.conf.topic_partitions), rulebook)
    events = raw_topic(app, topics.TRADING_EVENTS)
    marks = raw_topic(app, topics.TRADING_MARKS)

    async def commands(stream: StreamT[Any]) -> None:
        await consume(stream, trading.command, events)

    async def prices(stream: StreamT[Any]) -> None:
        await copy_to_all(stream, marks, app.conf.topic_partitions)

    async def marked(stream: StreamT[Any]) -> None:
        await consume(stream, trading.mark, events)

    async def gamified(stream: StreamT[Any]) -> None:
        await consume(stream, trading.gamified)

    app.agent(raw_topic(app, topics.TRADING_COMMANDS), name="trading-commands")(commands)
    app.agent(raw_topic(app, topics.MARKET_PRICES), name="trading-prices")(prices)
    app.agent(marks, name="trading-marks")(marked)
    app.agent(raw_topic(app, topics.GAMIFICATION_EVENTS), name="trading-levels")(gamified)
    return trading
