"""The rows of trading as the oracle has them."""

from __future__ import annotations

from typing import Final

from tests.community.compared.plain import as_it_is

TABLES: Final = dict.fromkeys(
    (
        "trading-accounts",
        "trading-trades",
        "trading-open",
        "trading-positions",
        "trading-portfolio",
        "trading-marks",
    ),
    as_it_is,
)

SUMMED: Final[dict[str, tuple[str, ...]]] = {"trading-marks": ()}
"""Each partition has the marks of all markets, so that they must agree."""

NOT_COMPARED: Final = {"trading-processed": "hashes of the ids of fills and orders"}
