"""Fee totals: the filter of a request, the sum over partitions, and what clients see of a total."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Final

from pydantic import Field, JsonValue

from api.kit.projection import Projection
from tables.financial import ALL_DAYS, FeeTotal
from tables.keys import SEPARATOR

FEE: Final = Projection(
    FeeTotal,
    "Fee",
    "Fees of one source, asset, day and beneficiary; the beneficiary `total` is the whole fee.",
    key={
        "source": str,
        "asset": str,
        "day": Annotated[str, Field(description="a UTC day, or `all`", examples=["2024-09-20", ALL_DAYS])],
        "beneficiary": str,
    },
    rename={"amount": "amount"},
)


@dataclass(frozen=True, slots=True)
class FeeFilter:
    """The filter of a request: a part that is None takes all; `day` is a UTC day or `all`."""

    day: str | None
    source: str | None
    asset: str | None
    beneficiary: str | None

    def matches(self, key: str) -> bool:
        """Return whether the filter takes the totals of a key."""
        source, asset, day, beneficiary = key.split(SEPARATOR)
        found = ((self.day, day), (self.source, source), (self.asset, asset), (self.beneficiary, beneficiary))
        return all(expected is None or expected == value for expected, value in found)


def summed(key: str, parts: Iterable[FeeTotal]) -> dict[str, JsonValue]:
    """Return the total of a key, of which each partition has a part, as clients see it."""
    amount = count = 0
    for part in parts:
        amount += part.amount
        count += part.count
    return FEE.show(FeeTotal(amount=amount, count=count), key)
