"""The rows of the nft domain as the oracle has them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from tables.boards import Standing
from tables.typed import standings
from tests.community.compared.plain import as_it_is


def _market(key: str, raw: bytes) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the rankings that a token is in, each with the time by which it is placed."""
    yield key, {name: Standing.of(place).score for name, place in standings(raw).items()}


TABLES: Final = {
    "nft-collectors": as_it_is,
    "nft-tokens": as_it_is,
    "nft-market": _market,
    "nft-deadlines": as_it_is,
}

NOT_COMPARED: Final = {
    "nft-processed": "empty where each event is processed once",
}
