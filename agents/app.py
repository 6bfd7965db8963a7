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
from agents.wiring import consume, raw_topic
from streams import topics
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
    traded = trading.register(app, rulebook, codec)
    gamified, earn = gamification.register(app, rulebook, codec)
    financed, accrue = financial.register(app, rulebook, codec)
    consume(app, raw_topic(app, topics.TRADING_EVENTS), "trading-facts", earn, accrue)
    return Domains(traded, gamified, financed)
