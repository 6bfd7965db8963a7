"""All domains on one Faust application. Settings, transport and stores are the composition root's business."""

from __future__ import annotations

from typing import NamedTuple

import faust

from agents.financial import agent as financial
from agents.financial.domain import Financial
from agents.gamification import agent as gamification
from agents.gamification.domain import Gamification
from agents.rulebook import Rulebook
from agents.trading import agent as trading
from agents.trading.domain import Trading
from streams.events.recent import Recent


class Domains(NamedTuple):
    """The domains of an application."""

    trading: Trading
    gamification: Gamification
    financial: Financial


def register_all(app: faust.App, rulebook: Rulebook) -> Domains:
    """Add every domain's agents and tables to an application that is already built.

    The application's `topic_partitions` is the partition count of every topic and table. Its store must keep partitions
    apart (`tables.catalog` says which tables need it): the RocksDB stores do, Faust's memory store does only when the
    worker has one partition.
    """
    codec = Recent()
    return Domains(
        trading.register(app, rulebook, codec),
        gamification.register(app, rulebook, codec),
        financial.register(app, rulebook, codec),
    )
