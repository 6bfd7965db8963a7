"""The gamification domain's handlers, one for the events of trading and one for all others."""

from __future__ import annotations

from agents.gamification.domain import Gamification
from agents.rulebook import Rulebook
from agents.wiring import Broadcast, Handler, Handlers, Together
from streams import topics
from tables.gamification import DOMAIN
from tables.typed import OpenTable


def handlers(open_table: OpenTable, rulebook: Rulebook, *, at_least_once: bool) -> Handlers:
    """Return the handlers of the gamification domain."""
    gamification = Gamification(open_table, rulebook, at_least_once=at_least_once)
    by_topic: dict[str, Handler | Together | Broadcast] = dict.fromkeys(DOMAIN.consumes, gamification.handle)
    by_topic[topics.TRADING_EVENTS] = Together(gamification.traded_together)
    return Handlers(gamification.tables, by_topic)
