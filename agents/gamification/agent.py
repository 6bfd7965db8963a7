"""The gamification agent: it reads the facts of trading, and nothing else."""

from __future__ import annotations

from functools import partial

import faust

from agents.gamification.domain import Gamification
from agents.rulebook import Rulebook
from agents.wiring import consume, raw_topic, work
from streams import topics
from streams.events.recent import Recent
from tables.typed import opener


def register(app: faust.App, rulebook: Rulebook, codec: Recent) -> Gamification:
    """Add the gamification agent and its tables to an application."""
    gamification = Gamification(opener(app, app.conf.topic_partitions), rulebook)
    does = partial(work, tables=gamification.tables, codec=codec)
    events, traded = raw_topic(app, topics.GAMIFICATION_EVENTS), raw_topic(app, topics.TRADING_EVENTS)
    consume(app, traded, "gamification-trading", partial(does, handle=gamification.traded, out=events))
    return gamification
