"""Fee totals over their tables. Each fee counts in its hour, its UTC day and all-time, in total and by beneficiary.

Amounts in 1e-8 USD, or for another asset in its smallest unit. A batch adds up its fees first, and then reads and
writes each row once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from agents.windows import EventTime, Expiry, WindowRules
from streams.assets import unit_of
from streams.events.financial import FeeAccrued, SaleFeeAccrued
from streams.times import DAY_US, HOUR_US, Instant
from tables.fee_hours import FeeHour, HourlyFee, merged
from tables.financial import (
    FINANCIAL_FEE_HOURS,
    FINANCIAL_FEES,
    FINANCIAL_WATERMARK,
    TOTAL,
    FeeTotal,
    fee_key,
)
from tables.keys import SEPARATOR
from tables.unit_of_work import UnitOfWork
from tables.windows import window_key

HOURS_A_DAY = DAY_US // HOUR_US


Sums = dict[str, list[int]]
"""Amount and number of fees by beneficiary."""


class Totals:
    """The fee totals of a partition."""

    def __init__(self, tables: UnitOfWork, grace_h: int, rules: WindowRules) -> None:
        self.rows = tables.rows(FINANCIAL_FEES)
        self.hours = tables.rows(FINANCIAL_FEE_HOURS)
        self._time = EventTime(tables.rows(FINANCIAL_WATERMARK), grace_h)
        self._expiry = Expiry(self.hours, self._time, ("1h",), rules)
        tables.join(self)
        self._sums: dict[tuple[str, str, int, bool], Sums] = defaultdict(_zeros)
        """By source, asset, hour and whether the hour is open to them: the fees that are not yet in a row."""
        self._holding = False

    def add(self, fee: FeeAccrued, time: Instant) -> None:
        """Count a fee."""
        self._add(fee.source, fee.asset, time, {TOTAL: fee.amount, **fee.beneficiaries}, 1)

    def add_sale(self, fee: SaleFeeAccrued, time: Instant) -> None:
        """Count the fee of a sale."""
        self._add(fee.source, fee.asset, time, {TOTAL: fee.amount, **fee.beneficiaries}, unit_of(fee.asset))

    def _add(self, source: str, asset: str, time: Instant, amounts: Mapping[str, int], unit: int) -> None:
        is_open = bool(self._time.admit(time, ("1h",)))
        sums = self._sums[source, asset, time // HOUR_US, is_open]
        for beneficiary, amount in amounts.items():
            added = sums[beneficiary]
            added[0] += amount // unit
            added[1] += 1
        if not self._holding:
            self.write()

    def begin(self) -> None:
        """Start to add up fees in memory."""
        self._holding = True

    def write(self) -> None:
        """Write the rows, and delete old hours."""
        self._time.settle()
        days: dict[tuple[str, str, int], Sums] = defaultdict(_zeros)
        for (source, asset, hour, is_open), sums in self._sums.items():
            if is_open:
                self._raise_hour(hour, f"{source}{SEPARATOR}{asset}", sums)
            of_day = days[source, asset, hour // HOURS_A_DAY]
            for beneficiary, (amount, count) in sums.items():
                of_day[beneficiary][0] += amount
                of_day[beneficiary][1] += count
        for (source, asset, number), sums in days.items():
            day = Instant(number * DAY_US).day()
            for beneficiary, (amount, count) in sums.items():
                for period in (day, None):
                    self._raise(fee_key(source, asset, period, beneficiary), amount, count)
        if days:
            self._expiry.act()
        self.drop()

    def _raise(self, key: str, amount: int, count: int) -> None:
        before = self.rows.get(key) or FeeTotal()
        self.rows.put(key, FeeTotal(amount=before.amount + amount, count=before.count + count))

    def _raise_hour(self, hour: int, name: str, sums: Sums) -> None:
        key = window_key("1h", hour * HOUR_US)
        amount, count = sums[TOTAL]
        shares = {beneficiary: share for beneficiary, (share, _) in sorted(sums.items()) if beneficiary != TOTAL}
        part = FeeHour(fees={name: HourlyFee(amount=amount, count=count, beneficiaries=shares)})
        self.hours.put(key, merged(self.hours.get(key) or FeeHour(), part))

    def drop(self) -> None:
        """Drop the fees that were added up."""
        self._sums.clear()
        self._time.forget()
        self._holding = False


def _zeros() -> Sums:
    return defaultdict(lambda: [0, 0])
