"""The product's topology, with one line for each domain. `tables.<name>.DOMAIN` declares a domain."""

from __future__ import annotations

from importlib import import_module
from typing import Final

from streams.topics import USER_EVENTS
from streams.topology import Topology

NAMES: Final = (
    "trading",
    "gamification",
    "financial",
)

TOPOLOGY: Final = Topology((import_module(f"tables.{name}").DOMAIN for name in NAMES), outbox_topics=(USER_EVENTS,))
