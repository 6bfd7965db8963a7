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


NAMESPACE: Final = "astra"
"""The prefix of all keys on the broker, unless a setting says otherwise."""

DEAD_LETTERS: Final = "astra.dead-letters.v1"
"""The topic of events that no agent could process."""

TRADING_COMMANDS: Final = commands_of("trading")
TRADING_EVENTS: Final = events_of("trading")
TRADING_MARKS: Final = "astra.trading.marks.v1"
MARKET_PRICES: Final = "astra.market.prices.v1"
GAMIFICATION_EVENTS: Final = events_of("gamification")
FINANCIAL_EVENTS: Final = events_of("financial")
USER_EVENTS: Final = events_of("user")
"""What happens to accounts. The relay publishes them from the database of accounts."""

PARTITIONS_DEFAULT: Final = 4
