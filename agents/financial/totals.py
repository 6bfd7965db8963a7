"""Fee totals over their table. Each fee counts in its UTC day and in all-time, in total and by beneficiary.

Amounts in 1e-8 USD, or for another asset in its smallest unit. A batch adds up its fees first, and then reads and
writes each row once.
"""

from __future__ import annotations

from collections import defaultdict

from streams.assets import unit_of
from streams.events.financial import FeeAccrued, SaleFeeAccrued
from streams.times import DAY_US, Instant
from tables.financial import FINANCIAL_FEES, TOTAL, FeeTotal, fee_key
from tables.unit_of_work import UnitOfWork


class Totals:
    """The fee totals of a partition."""

    def __init__(self, tables: UnitOfWork) -> None:
        self.rows = tables.rows(FINANCIAL_FEES)
        tables.join(self)
        self._sums: dict[tuple[str, str, int], dict[str, list[int]]] = defaultdict(_zeros)
        """By source, asset and day, then by beneficiary: amount and number of the fees that are not yet in a row."""
        self._holding = False

    def add(self, fee: FeeAccrued, time: Instant) -> None:
        """Count a fee."""
        sums = self._sums[fee.source, fee.asset, time // DAY_US]
        for beneficiary, amount in fee.beneficiaries.items():
            added = sums[beneficiary]
            added[0] += amount
            added[1] += 1
        whole = sums[TOTAL]
        whole[0] += fee.amount
        whole[1] += 1
        if not self._holding:
            self.write()

    def add_sale(self, fee: SaleFeeAccrued, time: Instant) -> None:
        """Count the fee of a sale."""
        unit = unit_of(fee.asset)
        sums = self._sums[fee.source, fee.asset, time // DAY_US]
        for beneficiary, amount in ((TOTAL, fee.amount), *fee.beneficiaries.items()):
            added = sums[beneficiary]
            added[0] += amount // unit
            added[1] += 1
        if not self._holding:
            self.write()

    def begin(self) -> None:
        """Start to add up fees in memory."""
        self._holding = True

    def write(self) -> None:
        """Write the rows."""
        for (source, asset, number), sums in self._sums.items():
            day = Instant(number * DAY_US).day()
            for beneficiary, (amount, count) in sums.items():
                for period in (day, None):
                    self._raise(fee_key(source, asset, period, beneficiary), amount, count)
        self.drop()

    def _raise(self, key: str, amount: int, count: int) -> None:
        before = self.rows.get(key) or FeeTotal()
        self.rows.put(key, FeeTotal(amount=before.amount + amount, count=before.count + count))

    def drop(self) -> None:
        """Drop the fees that were added up."""
        self._sums.clear()
        self._holding = False


def _zeros() -> dict[str, list[int]]:
    return defaultdict(lambda: [0, 0])
