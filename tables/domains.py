"""The product's topology, with one line for each domain. `tables.<name>.DOMAIN` declares a domain."""

from __future__ import annotations

from importlib import import_module
from typing import Final

from streams import topics
from streams.topology import Topology

NAMES: Final = (
    "trading",
    "gamification",
    "financial",
    "user",
    "social",
    "nft",
)

SOURCES: Final = {
    topics.USER_EVENTS: ("relay",),
    topics.CLOCK: ("clock",),
    topics.CHAIN_EVENTS: ("indexer", "sink"),
}
"""Topics that other processes than the domains' workers and the API append to."""

TOPOLOGY: Final = Topology((import_module(f"tables.{name}").DOMAIN for name in NAMES), sources=SOURCES)
