"""The trading agents: commands, prices handed to every partition, marks with liquidation, level ups."""

from __future__ import annotations

from functools import partial

import faust

from agents.rulebook import Rulebook
from agents.trading.domain import Trading
from agents.wiring import broadcast, consume, handle_batch, raw_topic
from streams import topics
from streams.events.recent import Recent
from tables.typed import opener


def register(app: faust.App, rulebook: Rulebook, codec: Recent) -> Trading:
    """Add the trading agents and tables to an application."""
    partitions = app.conf.topic_partitions
    trading = Trading(opener(app, partitions), rulebook)
    does = partial(handle_batch, tables=trading.tables, codec=codec)
    events, marks = raw_topic(app, topics.TRADING_EVENTS), raw_topic(app, topics.TRADING_MARKS)

    consume(
        app,
        raw_topic(app, topics.TRADING_COMMANDS),
        "trading-commands",
        partial(does, handle=trading.command, out=events),
    )
    consume(
        app,
        raw_topic(app, topics.MARKET_PRICES),
        "trading-prices",
        partial(broadcast, codec=codec, out=marks, partitions=partitions),
    )
    consume(app, marks, "trading-marks", partial(does, handle=trading.mark, out=events))
    consume(app, raw_topic(app, topics.GAMIFICATION_EVENTS), "trading-levels", partial(does, handle=trading.gamified))
    return trading
