"""The product's topology: one line for each domain."""

from __future__ import annotations

from typing import Final

from streams.topology import Topology
from tables import financial, gamification, trading

TOPOLOGY: Final = Topology(
    (
        trading.DOMAIN,
        gamification.DOMAIN,
        financial.DOMAIN,
    )
)
