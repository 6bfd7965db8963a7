"""The trading agents: commands, prices handed to every partition, marks with liquidation, level ups."""

from __future__ import annotations

import faust

from agents.rulebook import Rulebook
from agents.trading.domain import Trading
from agents.wiring import Broadcast, Handler, Together, wire
from streams import topics
from streams.events.recent import Recent
from tables.trading import DOMAIN
from tables.typed import opener


def register(app: faust.App, rulebook: Rulebook, codec: Recent, *, at_least_once: bool) -> Trading:
    """Add the trading agents and tables to an app."""
    del at_least_once  # clients and venues may repeat a command on every broker
    trading = Trading(opener(app, app.conf.topic_partitions), rulebook)
    handlers: dict[str, Handler | Together | Broadcast] = {
        topics.TRADING_COMMANDS: Together(trading.commands),
        topics.MARKET_PRICES: Broadcast(topics.TRADING_MARKS),
        topics.TRADING_MARKS: trading.mark,
        topics.GAMIFICATION_EVENTS: trading.gamified,
    }
    wire(app, DOMAIN, trading.tables, codec, handlers)
    return trading
