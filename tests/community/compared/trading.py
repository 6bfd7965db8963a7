"""The rows of trading as the oracle has them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from tables.row import Row
from tests.community.compared.plain import as_it_is, as_placed, plain


def as_traded(key: str, row: Row) -> list[tuple[str, dict[str, Any]]]:
    """Return a trade without the day of its last change, which depends on other trades of its partition."""
    return [(key, {name: value for name, value in plain(row).items() if name != "changed_on"})]


TABLES: Final[dict[str, Callable[..., Any]]] = {
    "trading-accounts": as_it_is,
    "trading-trades": as_traded,
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
