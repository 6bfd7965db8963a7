"""What the fee contracts say, added up: accepted facts add, retracted ones subtract, final ones are counted beside.

The facts of a contract have its address as key, so a partition has all of them, in order: a retraction comes after what
it retracts. Amounts are in the settlement token's units.
"""

from __future__ import annotations

from collections.abc import Iterable

from streams.events import AnyEvent, Event
from streams.events.chain import SIGNS, BatchSettled, FeesDistributed, FeesSwept
from tables.financial import FINANCIAL_CHAIN, ChainKind, ChainTotal, chain_key
from tables.unit_of_work import UnitOfWork

Fact = BatchSettled | FeesSwept | FeesDistributed


class ChainTotals:
    """The totals of the contracts of a partition."""

    def __init__(self, tables: UnitOfWork) -> None:
        self.rows = tables.rows(FINANCIAL_CHAIN)
        self.rules = dict.fromkeys((BatchSettled, FeesSwept, FeesDistributed), self._fold)

    def _fold(self, event: Event[Fact]) -> list[AnyEvent]:
        fact = event.data
        sign = SIGNS[fact.finality]
        for kind, name, amount in _amounts(fact):
            key = chain_key(fact.contract, kind, name)
            before = self.rows.get(key) or ChainTotal()
            final = before.final + (amount if fact.finality == "final" else 0)
            accepted, count = before.accepted + sign * amount, before.count + sign
            self.rows.put(key, ChainTotal(accepted=accepted, final=final, count=count))
        return []


def _amounts(fact: Fact) -> Iterable[tuple[ChainKind, str, int]]:
    """Return what a fact adds to each total."""
    match fact:
        case BatchSettled():
            return [("settled", total.source, total.amount) for total in fact.totals]
        case FeesSwept():
            return [("swept", fact.splitter, fact.amount), ("surplus", fact.splitter, fact.surplus)]
        case FeesDistributed():
            return [("distributed", fact.beneficiary, fact.amount)]
