"""The gamification agent, which consumes the events of trading."""

from __future__ import annotations

import faust

from agents.gamification.domain import Gamification
from agents.rulebook import Rulebook
from agents.wiring import Together, wire
from streams import topics
from streams.events.recent import Recent
from tables.gamification import DOMAIN
from tables.typed import opener


def register(app: faust.App, rulebook: Rulebook, codec: Recent, *, at_least_once: bool) -> Gamification:
    """Add the gamification agent and tables to an app."""
    gamification = Gamification(opener(app, app.conf.topic_partitions), rulebook, at_least_once=at_least_once)
    wire(app, DOMAIN, gamification.tables, codec, {topics.TRADING_EVENTS: Together(gamification.traded_together)})
    return gamification
