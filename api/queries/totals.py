"""Fee totals: which are asked for, and what the parts of one add up to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from api.queries.schemas import Fee, fee
from tables.financial import FeeTotal
from tables.keys import SEPARATOR


@dataclass(frozen=True, slots=True)
class FeeFilter:
    """Which totals are asked for; the day is a UTC day or `all`, or None for each of them."""

    day: str | None
    source: str | None
    asset: str | None
    beneficiary: str | None

    def takes(self, key: str) -> bool:
        """Whether the totals of this key are asked for."""
        source, asset, day, beneficiary = key.split(SEPARATOR)
        found = ((self.day, day), (self.source, source), (self.asset, asset), (self.beneficiary, beneficiary))
        return all(wanted is None or wanted == value for wanted, value in found)


def summed(key: str, parts: Iterable[FeeTotal]) -> Fee:
    """The total of a key, of which each partition has a part."""
    amount = count = 0
    for part in parts:
        amount += part.amount
        count += part.count
    return fee(key, FeeTotal(amount=amount, count=count))
