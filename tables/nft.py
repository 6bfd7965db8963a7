"""The declaration of the nft domain: its rows and tables, and the topics it consumes and produces."""

from __future__ import annotations

from typing import Final

import msgspec

from streams import topics
from streams.events.nft import GenesisType
from streams.topology import Domain, TableSpec
from tables.row import Micros, Row


class Collector(Row, frozen=True, kw_only=True):
    """The genesis types that a user may mint, each with the time from which on. The key is the user."""

    eligible: dict[GenesisType, Micros] = msgspec.field(default_factory=dict)


_SOURCES = (topics.GAMIFICATION_EVENTS,)

NFT_PROCESSED: Final[TableSpec[Row]] = TableSpec("nft-processed", None, _SOURCES, only_at_least_once=True)
NFT_COLLECTORS: Final = TableSpec("nft-collectors", Collector, _SOURCES)

DOMAIN: Final = Domain(
    name="nft",
    consumes=_SOURCES,
    produces={topics.NFT_EVENTS: _SOURCES},
    tables=(NFT_PROCESSED, NFT_COLLECTORS),
)
