"""The gamification agent: it reads the facts of trading, and nothing else."""

from __future__ import annotations

from typing import Any

import faust
from faust.types import StreamT

from agents.gamification.domain import Gamification
from agents.rulebook import Rulebook
from agents.wiring import consume, raw_topic
from streams import topics
from tables.typed import opener


def register(app: faust.App, rulebook: Rulebook) -> Gamification:
    """Add the gamification agent and its tables to an application."""
    gamification = Gamification(opener(app, app.conf.topic_partitions), rulebook)
    events = raw_topic(app, topics.GAMIFICATION_EVENTS)

    async def traded(stream: StreamT[Any]) -> None:
        await consume(stream, gamification.traded, events)

    app.agent(raw_topic(app, topics.TRADING_EVENTS), name="gamification-trading")(traded)
    return gamification
