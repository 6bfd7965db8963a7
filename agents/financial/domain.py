"""The financial domain over its tables: an execution in, fee totals written, FeeAccrued out. No Faust in here."""

from __future__ import annotations

from typing import cast

from agents.financial.fees import accrued, added, entries
from agents.once import Once
from agents.rulebook import Rulebook
from streams.events import AnyEvent, Event
from streams.events.trading import TradeExecuted
from tables import catalog
from tables.typed import OpenTable, typed


class Financial:
    """What the financial agent does."""

    def __init__(self, open_table: OpenTable, rulebook: Rulebook) -> None:
        self.rulebook = rulebook
        self.once = Once(open_table(catalog.FINANCIAL_SEEN))
        self.fees = typed(open_table, catalog.FINANCIAL_FEES)

    def traded(self, event: AnyEvent) -> list[AnyEvent]:
        """Accrue the fee of an execution, once."""
        if not isinstance(event.data, TradeExecuted):
            return []
        fee = accrued(cast("Event[TradeExecuted]", event), self.rulebook.fees)
        if fee is None or self.once.seen(event.id):
            return []
        self.once.mark(event.id)
        for key, amount in entries(fee, event.time):
            self.fees.put(key, added(self.fees.get(key), amount))
        return [event.then(fee)]
