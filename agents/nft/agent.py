"""The nft domain's handlers: one for all topics."""

from __future__ import annotations

from agents.nft.domain import Nft
from agents.rulebook import Rulebook
from agents.wiring import Each, Handlers
from tables.nft import DOMAIN
from tables.typed import OpenTable


def handlers(open_table: OpenTable, rulebook: Rulebook, *, at_least_once: bool) -> Handlers:
    """Return the handlers of the nft domain."""
    nft = Nft(open_table, rulebook, at_least_once=at_least_once)
    return Handlers(nft.tables, dict.fromkeys(DOMAIN.consumes, Each(nft.handle, nft.handle.classes)))
