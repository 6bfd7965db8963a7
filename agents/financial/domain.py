"""The financial domain: take an execution, write fee totals, return FeeAccrued. Imports no Faust."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from agents.facts import Facts
from agents.financial.fees import accrued
from agents.financial.totals import Totals
from agents.rulebook import Rulebook
from streams.events import AnyEvent, Event
from streams.events.trading import TradeExecuted
from tables.financial import FINANCIAL_PROCESSED
from tables.typed import OpenTable
from tables.unit_of_work import UnitOfWork


class Financial:
    """The handlers of the financial agent, over the domain's tables."""

    def __init__(self, open_table: OpenTable, rulebook: Rulebook, *, at_least_once: bool = False) -> None:
        self.policy = rulebook.financial
        self._rules_version = rulebook.version
        self.tables = UnitOfWork(open_table)
        self._facts = Facts(self.tables, FINANCIAL_PROCESSED, rulebook.repeats_days, at_least_once=at_least_once)
        self.fees = Totals(self.tables)

    def traded_together(self, events: Sequence[AnyEvent]) -> list[AnyEvent]:
        """Accrue the fees of executions, except for those that are, or may be, repetitions.

        Each step runs over all executions before the next begins.
        """
        facts = [cast("Event[TradeExecuted]", event) for event in events if isinstance(event.data, TradeExecuted)]
        fees = [(event, fee) for event in facts if (fee := accrued(event, self.policy)) is not None]
        new = [(event, fee) for event, fee in fees if self._facts.judge(event).kind == "new"]
        for event, fee in new:
            self.fees.add(fee, event.time)
        return [event.under(self._rules_version).then(fee) for event, fee in new]
