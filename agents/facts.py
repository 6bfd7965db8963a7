"""Facts of trading that were processed before, for the domains that follow from trading.

On Redis a fact is processed once by construction: outputs, tables and offsets commit together. So nothing is remembered
there.
"""

from __future__ import annotations

from typing import Any

from agents.processed import NEW, ProcessedEvents, Verdict
from streams.events import AnyEvent
from streams.events.trading import TradeExecuted
from streams.topology import TableSpec
from tables.unit_of_work import UnitOfWork


class Facts:
    """Tells new facts from repeated ones, where the broker delivers at least once."""

    def __init__(self, tables: UnitOfWork, spec: TableSpec[Any], repeats_days: int, *, at_least_once: bool) -> None:
        self._processed = ProcessedEvents(tables, spec, repeats_days) if at_least_once else None

    def judge(self, event: AnyEvent) -> Verdict:
        """Say what a fact is, and remember it if it is new. The fills of each venue have a scope of their own."""
        if self._processed is None:
            return NEW
        data = event.data
        live = isinstance(data, TradeExecuted) and data.mode == "live"
        return self._processed.judge_event(event, data.venue if live else "")  # type: ignore[attr-defined]
