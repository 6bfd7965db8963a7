"""Fee totals over their table. Each fee counts in its UTC day and in all-time, in total and by beneficiary.

Amounts in 1e-8 USD. A batch adds up its fees first, and then reads and writes each row once.
"""

from __future__ import annotations

from collections import defaultdict

from streams.events.financial import FeeAccrued
from streams.times import DAY_US, Instant
from tables.financial import FINANCIAL_FEES, TOTAL, FeeTotal, fee_key
from tables.unit_of_work import UnitOfWork


class Totals:
    """The fee totals of a partition."""

    def __init__(self, tables: UnitOfWork) -> None:
        self.rows = tables.rows(FINANCIAL_FEES)
        tables.join(self)
        self._sums: dict[tuple[str, str, int, str], list[int]] = defaultdict(lambda: [0, 0])
        """By source, asset, day and beneficiary: amount and number of the fees that are not yet in a row."""
        self._holding = False

    def add(self, fee: FeeAccrued, time: Instant) -> None:
        """Count a fee."""
        source, asset, day = fee.source, fee.asset, time.day_number()
        for beneficiary, amount in (*fee.beneficiaries.items(), (TOTAL, fee.amount)):
            added = self._sums[source, asset, day, beneficiary]
            added[0] += amount
            added[1] += 1
        if not self._holding:
            self.write()

    def begin(self) -> None:
        """Start to add up fees in memory."""
        self._holding = True

    def write(self) -> None:
        """Write the rows."""
        for (source, asset, day, beneficiary), (amount, count) in self._sums.items():
            for period in (Instant(day * DAY_US).day(), None):
                self._raise(fee_key(source, asset, period, beneficiary), amount, count)
        self.drop()

    def _raise(self, key: str, amount: int, count: int) -> None:
        before = self.rows.get(key) or FeeTotal()
        self.rows.put(key, FeeTotal(amount=before.amount + amount, count=before.count + count))

    def drop(self) -> None:
        """Drop the fees that were added up."""
        self._sums.clear()
        self._holding = False
