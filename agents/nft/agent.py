"""The nft agents."""

from __future__ import annotations

import faust

from agents.nft.domain import Nft
from agents.rulebook import Rulebook
from agents.wiring import wire
from streams.events.recent import Recent
from tables.nft import DOMAIN
from tables.typed import opener


def register(app: faust.App, rulebook: Rulebook, codec: Recent, *, at_least_once: bool) -> Nft:
    """Add the nft agents and tables to an app."""
    nft = Nft(opener(app, app.conf.topic_partitions), rulebook, at_least_once=at_least_once)
    wire(app, DOMAIN, nft.tables, codec, dict.fromkeys(DOMAIN.consumes, nft.handle))
    return nft
