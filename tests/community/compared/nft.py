"""The rows of the nft domain as the oracle has them."""

from __future__ import annotations

from typing import Final

from tests.community.compared.plain import as_it_is, as_placed

TABLES: Final = {
    "nft-collectors": as_it_is,
    "nft-tokens": as_it_is,
    "nft-market": as_placed,
    "nft-deadlines": as_it_is,
}

NOT_COMPARED: Final = {
    "nft-processed": "empty where each event is processed once",
}
