"""Fee totals over their table: each fee counts in its UTC day and in all-time, as a whole and by beneficiary.

Amounts in 1e-8 USD. In a batch they add up before a row is read and written.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from typing import NamedTuple

from streams.events.financial import FeeAccrued
from streams.times import DAY_US, Instant
from tables.batches import Tables
from tables.catalog import FINANCIAL_FEES, TOTAL, fee_key
from tables.rows import FeeTotal


class Entry(NamedTuple):
    """What the fees of one day are totalled by; `day` is in days since 1970."""

    source: str
    asset: str
    day: int
    beneficiary: str


class Totals:
    """The fee totals of a partition."""

    def __init__(self, tables: Tables) -> None:
        self.rows = tables.rows(FINANCIAL_FEES)
        tables.join(self)
        self._sums: dict[Entry, list[int]] = defaultdict(lambda: [0, 0])
        """Amount and number of fees since the rows were brought up to date."""
        self._holding = False

    def add(self, fee: FeeAccrued, time: Instant) -> None:
        """Count a fee."""
        day = time.day_number()
        self._add(Entry(fee.source, fee.asset, day, TOTAL), fee.amount)
        for beneficiary, share in fee.beneficiaries.items():
            self._add(Entry(fee.source, fee.asset, day, beneficiary), share)
        if not self._holding:
            self.write()

    def _add(self, entry: Entry, amount: int) -> None:
        total = self._sums[entry]
        total[0] += amount
        total[1] += 1

    def begin(self) -> None:
        """From here on let fees add up."""
        self._holding = True

    def write(self) -> None:
        """Bring the rows up to date."""
        for entry, (amount, count) in self._sums.items():
            for day in (Instant(entry.day * DAY_US).day(), None):
                self._raise(entry, day, amount, count)
        self.drop()

    def _raise(self, entry: Entry, day: date | None, amount: int, count: int) -> None:
        key = fee_key(entry.source, entry.asset, day, entry.beneficiary)
        before = self.rows.get(key) or FeeTotal()
        self.rows.put(key, FeeTotal(amount=before.amount + amount, count=before.count + count))

    def drop(self) -> None:
        """Forget what has added up."""
        self._sums.clear()
        self._holding = False
