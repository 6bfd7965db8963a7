"""The fees of an hour. Pure functions. Each partition keeps a part of them; readers merge the parts."""

from __future__ import annotations

import msgspec

from tables.row import Amount, Row
from tables.windows import added


class HourlyFee(Row, frozen=True, kw_only=True):
    """Fees of one source and asset in an hour.

    `amount` is in 1e-8 USD, or for another asset in its smallest unit. The amounts of the beneficiaries add up to it.
    """

    amount: Amount = 0
    count: int = 0
    beneficiaries: dict[str, Amount] = msgspec.field(default_factory=dict)


class FeeHour(Row, frozen=True, kw_only=True):
    """The fees of an hour by source and asset (`trading|USD`), in this partition."""

    fees: dict[str, HourlyFee] = msgspec.field(default_factory=dict)


def merged(one: FeeHour, other: FeeHour) -> FeeHour:
    """Return the fees of both. The order does not matter."""
    fees = dict(one.fees)
    for name, fee in other.fees.items():
        known = fees.get(name)
        fees[name] = fee if known is None else _added(known, fee)
    return FeeHour(fees=dict(sorted(fees.items())))


def _added(one: HourlyFee, other: HourlyFee) -> HourlyFee:
    return HourlyFee(
        amount=one.amount + other.amount,
        count=one.count + other.count,
        beneficiaries=added(one.beneficiaries, other.beneficiaries),
    )
