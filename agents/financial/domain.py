"""The financial domain over its tables: an execution in, fee totals written, FeeAccrued out. No Faust in here."""

from __future__ import annotations

from typing import cast

from agents.financial.fees import accrued
from agents.financial.totals import Totals
from agents.once import Once
from agents.rulebook import Rulebook
from streams.events import AnyEvent, Event
from streams.events.trading import TradeExecuted
from tables.financial import FINANCIAL_SEEN
from tables.typed import OpenTable
from tables.unit_of_work import UnitOfWork


class Financial:
    """What the financial agent does."""

    def __init__(self, open_table: OpenTable, rulebook: Rulebook) -> None:
        self.policy = rulebook.financial
        self._rules_version = rulebook.version
        self.tables = UnitOfWork(open_table)
        self.once = Once(self.tables, FINANCIAL_SEEN)
        self.fees = Totals(self.tables)

    def traded(self, event: AnyEvent) -> list[AnyEvent]:
        """Accrue the fee of an execution, once."""
        if not isinstance(event.data, TradeExecuted):
            return []
        fee = accrued(cast("Event[TradeExecuted]", event), self.policy)
        if fee is None or self.once.seen(event.id):
            return []
        self.once.mark(event.id)
        self.fees.add(fee, event.time)
        return [event.under(self._rules_version).then(fee)]
