"""What must always hold of a partition's money, recomputed from its rows. Pure; may depend on `streams` only.

Each check compares two sums that different rules write. `astratrade audit ledger` runs all of them over stored rows,
and the financial domain at a tick.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple, TypeVar, cast

from streams.assets import unit_of
from streams.topology import TableSpec
from streams.units import Quantity
from tables.accounts import TREASURY, account_of, fees_of, is_of_user, reserved
from tables.financial import (
    ALL_DAYS,
    FINANCIAL_FEES,
    FINANCIAL_LEDGER,
    FINANCIAL_RESERVATIONS,
    FINANCIAL_REVENUE,
    FINANCIAL_WITHDRAWALS,
    TOTAL,
)
from tables.keys import SEPARATOR
from tables.row import Row

RowT = TypeVar("RowT", bound=Row)

MONTH_CHARS: Final = len("2024-09")
BALANCED: Final = "balanced"
OVERDRAWN: Final = "overdrawn"
RESERVED: Final = "reserved"
FEES_HELD: Final = "fees_held"
FEES_SPLIT: Final = "fees_split"
FEE_DAYS: Final = "fee_days"
REVENUE_MONTHS: Final = "revenue_months"
REVENUE_SOURCES: Final = "revenue_sources"
RULES: Final[Mapping[str, str]] = {
    BALANCED: "the accounts of an asset sum to 0",
    OVERDRAWN: "no account of a user is below 0",
    RESERVED: "what is reserved of a user is the sum of open withdrawals and reservations",
    FEES_HELD: "the account of a source's fees has all fees of the source",
    FEES_SPLIT: "the amounts of the beneficiaries sum to the fees",
    FEE_DAYS: "the fees of all days sum to the fees of all time",
    REVENUE_MONTHS: "the revenue of a month is the sum of its days",
    REVENUE_SOURCES: "revenue is the sum of fees and paid plans",
}
"""What each check says."""
AUDITED: Final = (
    FINANCIAL_LEDGER,
    FINANCIAL_FEES,
    FINANCIAL_REVENUE,
    FINANCIAL_WITHDRAWALS,
    FINANCIAL_RESERVATIONS,
)
"""The tables that an audit reads."""


class Breach(NamedTuple):
    """Something that does not hold: the rule, what it is about, and by how much, in 1e-18 of the asset."""

    rule: str
    subject: str
    asset: str
    difference: int


Books = Mapping[str, Iterable[tuple[str, Row]]]
"""The rows of one partition, by table."""


def breaches(books: Books) -> Iterator[Breach]:
    """Yield what does not hold in one partition."""
    ledger: dict[tuple[str, str], int] = {}
    for key, row in _of(books, FINANCIAL_LEDGER):
        ledger[account_of(key)] = int(row.amount)
    fees = {
        (*key.split(SEPARATOR),): row.amount * unit_of(key.split(SEPARATOR)[1])
        for key, row in _of(books, FINANCIAL_FEES)
    }
    revenue = {(*key.split(SEPARATOR),): int(row.amount) for key, row in _of(books, FINANCIAL_REVENUE)}
    yield from _balanced(ledger)
    yield from _reserved(ledger, books)
    yield from _fees(ledger, fees)
    yield from _revenue(ledger, fees, revenue)


def _balanced(ledger: Mapping[tuple[str, str], int]) -> Iterator[Breach]:
    sums: dict[str, int] = defaultdict(int)
    for (account, asset), amount in ledger.items():
        sums[asset] += amount
        if amount < 0 and is_of_user(account):
            yield Breach(OVERDRAWN, account, asset, amount)
    yield from (Breach(BALANCED, "all accounts", asset, amount) for asset, amount in sorted(sums.items()) if amount)


def _reserved(ledger: Mapping[tuple[str, str], int], books: Books) -> Iterator[Breach]:
    expected: dict[tuple[str, str], int] = defaultdict(int)
    for user_id, row in _of(books, FINANCIAL_WITHDRAWALS):
        for one in row.open:
            expected[reserved(user_id), one.asset] += one.amount
    for _, held in _of(books, FINANCIAL_RESERVATIONS):
        expected[reserved(held.buyer), held.asset] += held.amount
    found = {
        place: amount for place, amount in ledger.items() if is_of_user(place[0]) and place[0].endswith(":reserved")
    }
    yield from _different(RESERVED, expected, found)


def _fees(ledger: Mapping[tuple[str, str], int], fees: Mapping[tuple[str, ...], int]) -> Iterator[Breach]:
    whole: dict[tuple[str, str], int] = defaultdict(int)
    parts: dict[tuple[str, str], int] = defaultdict(int)
    days: dict[tuple[str, str], int] = defaultdict(int)
    held: dict[tuple[str, str], int] = defaultdict(int)
    for (source, asset, day, beneficiary), amount in fees.items():
        (whole if beneficiary == TOTAL else parts)[f"{source} {day}", asset] += amount
        days[f"{source} {beneficiary}", asset] += -amount if day == ALL_DAYS else amount
        if (day, beneficiary) == (ALL_DAYS, TOTAL):
            held[fees_of(source), asset] += amount
    prefix = fees_of("")
    found = {place: amount for place, amount in ledger.items() if place[0].startswith(prefix)}
    yield from _different(FEES_HELD, held, found)
    yield from _different(FEES_SPLIT, whole, parts)
    yield from (Breach(FEE_DAYS, *place, amount) for place, amount in sorted(days.items()) if amount)


def _revenue(
    ledger: Mapping[tuple[str, str], int], fees: Mapping[tuple[str, ...], int], revenue: Mapping[tuple[str, ...], int]
) -> Iterator[Breach]:
    months: dict[tuple[str, str], int] = defaultdict(int)
    streams: dict[tuple[str, str], int] = defaultdict(int)
    for (stream, asset, period), amount in revenue.items():
        is_month = len(period) == MONTH_CHARS
        months[f"{stream} {period[:MONTH_CHARS]}", asset] += amount if is_month else -amount
        if is_month:
            streams["subscriptions" if stream == "subscriptions" else "fees", asset] += amount
    yield from (Breach(REVENUE_MONTHS, *place, amount) for place, amount in sorted(months.items()) if amount)
    sources: dict[tuple[str, str], int] = defaultdict(int)
    for (_, asset, day, beneficiary), amount in fees.items():
        if (day, beneficiary) == (ALL_DAYS, TOTAL):
            sources["fees", asset] += amount
    for (account, asset), amount in ledger.items():
        if account == TREASURY:
            sources["subscriptions", asset] += amount
    yield from _different(REVENUE_SOURCES, sources, streams)


def _different(
    rule: str, expected: Mapping[tuple[str, str], int], found: Mapping[tuple[str, str], int]
) -> Iterator[Breach]:
    for place in sorted({*expected, *found}):
        difference = found.get(place, 0) - expected.get(place, 0)
        if difference:
            yield Breach(rule, *place, difference)


def _of(books: Books, table: TableSpec[RowT]) -> Iterator[tuple[str, RowT]]:
    """Yield the rows of a table, which are of its model."""
    yield from cast("Iterable[tuple[str, RowT]]", books.get(table.name, ()))


def described(breach: Breach) -> str:
    """Return a breach as text: the account or total, and the difference."""
    return f"{breach.subject}: {Quantity(breach.difference).text()} {breach.asset} ({RULES[breach.rule]})"
