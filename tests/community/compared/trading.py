"""The rows of trading as the oracle has them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from tests.community.compared.plain import as_it_is, as_placed

TABLES: Final[dict[str, Callable[..., Any]]] = {
    "trading-accounts": as_it_is,
    "trading-trades": as_it_is,
    "trading-open": as_it_is,
    "trading-owned": as_placed,
    "trading-positions": as_it_is,
    "trading-portfolio": as_it_is,
    "trading-marks": as_it_is,
}

SUMMED: Final[dict[str, tuple[str, ...]]] = {"trading-marks": ()}
"""Each partition has the marks of all markets, so that they must agree."""

NOT_COMPARED: Final = {
    "trading-processed": "hashes of the ids of fills and orders",
    "trading-candles": "the oracle of fills compares them (tests/oracle/windows.py)",
    "trading-watermark": "follows from the times of executions; what is late shows in the candles",
}
