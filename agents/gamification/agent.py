"""The gamification domain's handlers, one for the events of trading and one for all others."""

from __future__ import annotations

from agents.gamification.activity import ACTIVITIES
from agents.gamification.domain import Gamification
from agents.rulebook import Rulebook
from agents.wiring import AnyHandler, Each, Handlers, Together
from streams import topics
from tables.gamification import DOMAIN
from tables.typed import OpenTable


def handlers(open_table: OpenTable, rulebook: Rulebook, *, at_least_once: bool) -> Handlers:
    """Return the handlers of the gamification domain."""
    gamification = Gamification(open_table, rulebook, at_least_once=at_least_once)
    each = Each(gamification.handle, gamification.handle.classes)
    by_topic: dict[str, AnyHandler] = dict.fromkeys(DOMAIN.consumes, each)
    by_topic[topics.TRADING_EVENTS] = Together(gamification.traded_together, ACTIVITIES)
    return Handlers(gamification.tables, by_topic)
