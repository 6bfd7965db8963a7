"""Names and declarations of every topic that events travel on. Tables' changelogs are declared in `tables.catalog`."""

from __future__ import annotations

from typing import Final

from faust_redis.log.records import TopicSpec

GROUP: Final = "astratrade"
"""The consumer group and the Faust application id of the workers."""

TRADING_COMMANDS: Final = "astra.trading.commands.v1"
TRADING_EVENTS: Final = "astra.trading.events.v1"
TRADING_MARKS: Final = "astra.trading.marks.v1"
MARKET_PRICES: Final = "astra.market.prices.v1"
GAMIFICATION_EVENTS: Final = "astra.gamification.events.v1"
FINANCIAL_EVENTS: Final = "astra.financial.events.v1"

ALL: Final = (TRADING_COMMANDS, MARKET_PRICES, TRADING_MARKS, TRADING_EVENTS, GAMIFICATION_EVENTS, FINANCIAL_EVENTS)

PARTITIONS_DEFAULT: Final = 4
RETENTION_MS: Final = 7 * 24 * 3_600_000
TAIL_MS: Final = 3_600_000


def topic_specs(partitions: int = PARTITIONS_DEFAULT, retention_ms: int = RETENTION_MS) -> tuple[TopicSpec, ...]:
    """Every event topic; all have the same number of partitions, so that a user is in the same one of each."""
    return tuple(TopicSpec(name, partitions, retention_ms=retention_ms) for name in ALL)
