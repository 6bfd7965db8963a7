"""Totals that each partition keeps a part of: fees, revenue, users by plan, and what the chain says.

The filter of a request, the sums, what clients see.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Annotated, Final, Generic, Protocol, TypeVar

from pydantic import Field, JsonValue

from api.kit.projection import Projection
from streams.assets import USD_IN_QUANTITY, unit_of
from streams.topology import TableSpec
from streams.units import Quantity, Usd
from tables.financial import (
    ALL_DAYS,
    FINANCIAL_CHAIN,
    FINANCIAL_FEES,
    FINANCIAL_PLAN_USERS,
    FINANCIAL_REVENUE,
    ChainTotal,
    FeeTotal,
    PlanUsers,
    Revenue,
)
from tables.keys import SEPARATOR
from tables.row import Row

RowT = TypeVar("RowT", bound=Row)

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
REVENUE: Final = Projection(
    Revenue,
    "Revenue",
    "What the platform earned from one stream, in one asset and period.",
    key={
        "stream": str,
        "asset": str,
        "period": Annotated[str, Field(description="a UTC day or a month", examples=["2024-09-20", "2024-09"])],
    },
)

PLAN_USERS_SHOWN: Final = Projection(
    PlanUsers, "PlanUsers", "How many users have a plan. Users of the free plan are not counted.", key={"plan": str}
)

CHAIN: Final = Projection(
    ChainTotal,
    "ChainTotal",
    "What a fee contract says of fees, in units of its token: settled by source, swept and surplus by splitter, "
    "distributed by beneficiary.",
    key={"contract": str, "total": str, "name": str},
    split=lambda key: [*key.split(SEPARATOR, 2)],
    describe={
        "accepted": "what the chain says now",
        "final": "as much of it as can no longer change",
        "count": "how many facts `accepted` adds up",
    },
)


class KeyFilter(Protocol):
    """The filter of a request. Equal filters share the encoding of deltas."""

    def matches(self, key: str) -> bool:
        """Return whether the filter takes the totals of a key."""

    def __hash__(self) -> int: ...


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


@dataclass(frozen=True, slots=True)
class RevenueFilter:
    """The filter of a request: a part that is None takes all; periods are of one length, days or months."""

    period_chars: int
    period: str | None
    stream: str | None
    asset: str | None

    def matches(self, key: str) -> bool:
        """Return whether the filter takes the revenue of a key."""
        stream, asset, period = key.split(SEPARATOR)
        found = ((self.period, period), (self.stream, stream), (self.asset, asset))
        return len(period) == self.period_chars and all(want is None or want == value for want, value in found)


@dataclass(frozen=True, slots=True)
class ChainFilter:
    """The filter of a request: a part that is None takes all."""

    contract: str | None
    total: str | None
    name: str | None

    def matches(self, key: str) -> bool:
        """Return whether the filter takes the totals of a key."""
        contract, total, name = key.split(SEPARATOR, 2)
        found = ((self.contract, contract), (self.total, total), (self.name, name))
        return all(want is None or want == value for want, value in found)


@dataclass(frozen=True, slots=True)
class EveryPlan:
    """Takes the users of all plans."""

    def matches(self, key: str) -> bool:
        """Return true."""
        del key
        return True


class Totals(Generic[RowT]):
    """A table of totals: how its rows are read, and what clients see of the sum of a key's parts."""

    def __init__(
        self, table: TableSpec[RowT], none: RowT, summed: Callable[[str, Iterable[RowT]], dict[str, JsonValue]]
    ) -> None:
        self.table = table
        self.none = none
        self.summed = summed

    def load(self, raw: bytes) -> RowT:
        """Return a stored part."""
        return type(self.none).load(raw)


def fee_summed(key: str, parts: Iterable[FeeTotal]) -> dict[str, JsonValue]:
    """Return the fees of a key, of which each partition has a part, as clients see them."""
    amount = count = 0
    for part in parts:
        amount += part.amount
        count += part.count
    shown = FEE.show(FeeTotal(amount=amount, count=count), key)
    return {**shown, "amount": amount_text(str(shown["asset"]), amount)}


def amount_text(asset: str, amount: int) -> str:
    """Return an amount in the smallest unit of its asset (1e-8 for USD) as decimal text."""
    return Usd(amount).text() if unit_of(asset) == USD_IN_QUANTITY else Quantity(amount * unit_of(asset)).text()


def revenue_summed(key: str, parts: Iterable[Revenue]) -> dict[str, JsonValue]:
    """Return the revenue of a key, of which each partition has a part, as clients see it."""
    amount = count = 0
    for part in parts:
        amount += part.amount
        count += part.count
    return REVENUE.show(Revenue(amount=Quantity(amount), count=count), key)


def chain_summed(key: str, parts: Iterable[ChainTotal]) -> dict[str, JsonValue]:
    """Return the totals of a key as clients see them."""
    accepted = final = count = 0
    for part in parts:
        accepted += part.accepted
        final += part.final
        count += part.count
    return CHAIN.show(ChainTotal(accepted=accepted, final=final, count=count), key)


def plan_users_summed(key: str, parts: Iterable[PlanUsers]) -> dict[str, JsonValue]:
    """Return how many users have a plan, as clients see it."""
    return PLAN_USERS_SHOWN.show(PlanUsers(users=sum(part.users for part in parts)), key)


CHAIN_TOTALS: Final = Totals(FINANCIAL_CHAIN, ChainTotal(), chain_summed)
FEES: Final = Totals(FINANCIAL_FEES, FeeTotal(), fee_summed)
REVENUES: Final = Totals(FINANCIAL_REVENUE, Revenue(), revenue_summed)
PLAN_USERS: Final = Totals(FINANCIAL_PLAN_USERS, PlanUsers(), plan_users_summed)
