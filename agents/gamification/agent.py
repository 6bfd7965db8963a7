"""The gamification agent: it reads the facts of trading, and nothing else."""

from __future__ import annotations

from functools import partial

import faust

from agents.gamification.domain import Gamification
from agents.rulebook import Rulebook
from agents.wiring import BatchHandler, handle_batch, raw_topic
from streams import topics
from streams.events.recent import Recent
from tables.typed import opener


def register(app: faust.App, rulebook: Rulebook, codec: Recent) -> tuple[Gamification, BatchHandler]:
    """Add the gamification tables to an application.

    Returns:
        The domain, and what it does with batches of `astra.trading.events.v1`.
    """
    gamification = Gamification(opener(app, app.conf.topic_partitions), rulebook)
    out = raw_topic(app, topics.GAMIFICATION_EVENTS)
    return gamification, partial(
        handle_batch, handle=gamification.traded, tables=gamification.tables, codec=codec, out=out
    )
