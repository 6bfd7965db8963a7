"""Check the ledger over all stored rows at one moment: `astratrade audit ledger`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from streams.units import Quantity
from tables.accounts import account_of, user_part
from tables.financial import FINANCIAL_LEDGER, Balance
from tables.financial_audit import AUDITED, RULES, breaches, described
from tables.reader import Rows, TableReader

BY_PARTY: Final = frozenset({"outside", "creator", "constellation"})
"""Kinds of accounts of which there may be many."""


@dataclass(frozen=True, slots=True)
class Audited:
    """What an audit found: sums by kind of account and asset, and a line for each breach."""

    position: str
    accounts: int
    sums: Mapping[tuple[str, str], int]
    breaches: tuple[str, ...]

    def lines(self) -> Iterator[str]:
        """Yield the report."""
        yield f"{self.accounts} balances at {self.position}"
        for (asset, kind), amount in sorted(self.sums.items()):
            yield f"  {asset:<5} {kind:<28} {Quantity(amount).text():>32}"
        yield f"{len(RULES)} rules checked, {len(self.breaches)} breaches"


async def audited(reader: TableReader) -> Audited:
    """Read all rows at one moment, and check each partition.

    Raises:
        UnknownTopicError: when the tables do not exist yet.
    """
    found = await reader.rows_of([spec.name for spec in AUDITED])
    ledger = found[FINANCIAL_LEDGER.name]
    lines = tuple(
        f"partition {partition}: {described(breach)}"
        for partition in sorted(ledger.position.offsets)
        for breach in breaches(_books(found, partition))
    )
    return Audited(str(ledger.position), len(ledger.rows), _sums(ledger), lines)


def _books(found: Mapping[str, Rows], partition: int) -> dict[str, list[tuple[str, Any]]]:
    """Return the rows of one partition."""
    return {
        spec.name: [
            (row.key, spec.model.load(row.value))
            for row in found[spec.name].rows
            if row.partition == partition and spec.model is not None
        ]
        for spec in AUDITED
    }


def _sums(ledger: Rows) -> dict[tuple[str, str], int]:
    sums: dict[tuple[str, str], int] = defaultdict(int)
    for row in ledger.rows:
        account, asset = account_of(row.key)
        sums[asset, _kind(account)] += Balance.load(row.value).amount
    return dict(sums)


def _kind(account: str) -> str:
    owner = user_part(account)
    if owner is not None:
        return f"users, {owner[1]}"
    kind = account.partition(":")[0]
    return kind if kind in BY_PARTY else account
