"""The trading domain's handlers: commands, prices for every partition, marks, level ups, accounts."""

from __future__ import annotations

from agents.rulebook import Rulebook
from agents.trading import standing
from agents.trading.domain import Trading
from agents.wiring import AnyHandler, Broadcast, Each, Handlers, Together
from streams import topics
from streams.events.gamification import LevelUp
from streams.events.market import PriceUpdated
from tables.typed import OpenTable


def handlers(open_table: OpenTable, rulebook: Rulebook, *, at_least_once: bool) -> Handlers:
    """Return the handlers of the trading domain."""
    del at_least_once  # clients and venues may repeat a command on every broker
    trading = Trading(open_table, rulebook)
    by_topic: dict[str, AnyHandler] = {
        topics.TRADING_COMMANDS: Together(trading.commands),
        topics.MARKET_PRICES: Broadcast(topics.TRADING_MARKS),
        topics.TRADING_MARKS: Each(trading.mark, (PriceUpdated,)),
        topics.GAMIFICATION_EVENTS: Each(trading.gamified, (LevelUp,)),
        topics.USER_EVENTS: Each(trading.account_changed, standing.EVENTS),
    }
    return Handlers(trading.tables, by_topic)
