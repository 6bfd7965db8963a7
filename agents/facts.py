"""Recognise repeated events of other domains, for the domains that consume them.

On Redis a domain processes an event once by construction: outputs, tables and offsets commit together. There this
module remembers nothing.
"""

from __future__ import annotations

from typing import Any

from agents.processed import NEW, ProcessedEvents, Verdict
from streams.events import AnyEvent
from streams.events.trading import TradeExecuted
from streams.topology import TableSpec
from tables.unit_of_work import UnitOfWork


class Facts:
    """Recognises repeated events where the broker delivers at least once."""

    def __init__(self, tables: UnitOfWork, spec: TableSpec[Any], repeats_days: int, *, at_least_once: bool) -> None:
        self._processed = ProcessedEvents(tables, spec, repeats_days) if at_least_once else None

    def judge(self, event: AnyEvent) -> Verdict:
        """Return whether an event is new, and remember a new one. The fills of each venue have a scope of their own."""
        if self._processed is None:
            return NEW
        data = event.data
        live = isinstance(data, TradeExecuted) and data.mode == "live"
        return self._processed.judge_event(event, data.venue if live else "")  # type: ignore[attr-defined]
