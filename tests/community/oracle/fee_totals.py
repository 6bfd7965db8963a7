"""Fees and revenue, added up: by source, asset, day and beneficiary; by stream, asset, day and month (domain.md §7)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from tests.community.oracle.crossing import Causes
from tests.community.oracle.tables import Table
from tests.oracle.fees import split

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND: Final = timedelta(microseconds=1)
ALL_DAYS: Final = "all"
TOTAL: Final = "total"


def day_of(at: int) -> str:
    """Return the UTC day of a time in microseconds, such as `2024-09-20`."""
    return f"{EPOCH + timedelta(microseconds=at):%Y-%m-%d}"


def month_of(at: int) -> str:
    """Return the UTC month of a time in microseconds, such as `2024-09`."""
    return f"{EPOCH + timedelta(microseconds=at):%Y-%m}"


class FeeTotals:
    """The sums of fees and of revenue."""

    def __init__(self) -> None:
        self.fees = Table("financial-fees")
        self.revenue = Table("financial-revenue")

    def accrue(self, source: str, asset: str, amount: int, at: int, causes: Causes) -> None:
        """Count a fee, in the smallest unit of its asset, in its day and for all time, with the share of each."""
        for day in (day_of(at), ALL_DAYS):
            for beneficiary, share in {TOTAL: amount, **split(amount)}.items():
                _add(self.fees, f"{source}|{asset}|{day}|{beneficiary}", share, causes)

    def earn(self, stream: str, asset: str, amount: int, at: int, causes: Causes) -> None:
        """Count revenue, in 1e-18 of its asset, in its day and in its month."""
        for period in (day_of(at), month_of(at)):
            _add(self.revenue, f"{stream}|{asset}|{period}", amount, causes)


def _add(table: Table, key: str, amount: int, causes: Causes) -> None:
    before = table.get(key) or {"amount": 0, "count": 0}
    table.put(key, {"amount": before["amount"] + amount, "count": before["count"] + 1}, causes)
