"""Topic names. Each domain has one topic of commands and one of events; prices and marks have their own.

`streams.topology` says which domain reads and writes a topic. This module depends on nothing.
"""

from __future__ import annotations

from typing import Final


def commands_of(domain: str) -> str:
    """Return the topic of the commands that clients send to a domain."""
    return f"astra.{domain}.commands.v1"


def events_of(domain: str) -> str:
    """Return the topic of the events that a domain appends."""
    return f"astra.{domain}.events.v1"


def domain_of(topic: str) -> str:
    """Return the name that a topic has after ``astra.``, which is its domain's name where it belongs to a domain."""
    return topic.split(".")[1] if topic.startswith("astra.") else ""


NAMESPACE: Final = "astra"
"""The prefix of all keys on the broker, unless a setting says otherwise."""

DEAD_LETTERS: Final = "astra.dead-letters.v1"
"""The topic of events that no agent could process."""

TRADING_COMMANDS: Final = commands_of("trading")
TRADING_EVENTS: Final = events_of("trading")
TRADING_MARKS: Final = "astra.trading.marks.v1"
TRADING_POSITIONS: Final = "astra.trading.positions.v1"
"""Positions and portfolios as a batch left them. The domains that consume executions need none of them."""
MARKET_PRICES: Final = "astra.market.prices.v1"
GAMIFICATION_EVENTS: Final = events_of("gamification")
GAMIFICATION_BOARDS: Final = "astra.gamification.boards.v1"
"""Sealed parts of leaderboards, by board."""
FINANCIAL_EVENTS: Final = events_of("financial")
FINANCIAL_FEES: Final = "astra.financial.fees.v1"
"""Fees: one for nearly every fill. No domain consumes them."""
FINANCIAL_COMMANDS: Final = commands_of("financial")
GAMIFICATION_COMMANDS: Final = commands_of("gamification")
SOCIAL_COMMANDS: Final = commands_of("social")
SOCIAL_EVENTS: Final = events_of("social")
NFT_COMMANDS: Final = commands_of("nft")
NFT_EVENTS: Final = events_of("nft")
USER_COMMANDS: Final = commands_of("user")
USER_EVENTS: Final = events_of("user")
"""What happens to accounts. The relay publishes most of them from the database of accounts."""
NOTIFICATIONS: Final = "astra.notifications.v1"
"""What people should see. Each domain appends its own."""
CLOCK: Final = "astra.clock.v1"
"""Ticks of the clock, each in every partition."""
CHAIN_EVENTS: Final = "astra.chain.events.v1"
"""Events of the chain, as the indexer decodes them."""

PARTITIONS_DEFAULT: Final = 4
