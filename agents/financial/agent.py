"""The financial agent: it reads executions and accrues their fees."""

from __future__ import annotations

from functools import partial

import faust

from agents.financial.domain import Financial
from agents.rulebook import Rulebook
from agents.wiring import BatchHandler, handle_batch, raw_topic
from streams import topics
from streams.events.recent import Recent
from tables.typed import opener


def register(app: faust.App, rulebook: Rulebook, codec: Recent) -> tuple[Financial, BatchHandler]:
    """Add the financial tables to an application.

    Returns:
        The domain, and what it does with batches of `astra.trading.events.v1`.
    """
    financial = Financial(opener(app, app.conf.topic_partitions), rulebook)
    out = raw_topic(app, topics.FINANCIAL_EVENTS)
    return financial, partial(handle_batch, handle=financial.traded, tables=financial.tables, codec=codec, out=out)
