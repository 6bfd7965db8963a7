"""The rows of the financial domain as the oracle has them. A platform account has a row in each partition."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from tables.financial import Audit, PlanUsers, Withdrawals
from tests.community.compared.plain import as_it_is, plain


def _withdrawals(key: str, row: Withdrawals) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield a user's withdrawals. The order of the open ones says nothing."""
    yield key, {"open": {one.withdrawal_id: plain(one) for one in row.open}, "ended": plain(row.ended)}


def _audit(_key: str, row: Audit) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each rule that an audit found broken. The oracle has none."""
    for rule, breaches in row.breaches.items():
        if breaches:
            yield rule, {"breaches": breaches}


def _users(key: str, row: PlanUsers) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield a plan that users have."""
    if row.users:
        yield key, {"users": row.users}


TABLES: Final = {
    **dict.fromkeys(
        (
            "financial-fees",
            "financial-revenue",
            "financial-chain",
            "financial-ledger",
            "financial-customers",
            "financial-deposits",
            "financial-reviews",
            "financial-plans",
            "financial-deadlines",
        ),
        as_it_is,
    ),
    "financial-withdrawals": _withdrawals,
    "financial-audits": _audit,
    "financial-plan-users": _users,
}

SUMMED: Final = {
    "financial-fees": ("amount", "count"),
    "financial-revenue": ("amount", "count"),
    "financial-ledger": ("amount",),
    "financial-plan-users": ("users",),
    "financial-audits": ("breaches",),
}

EMPTY: Final = ("financial-reservations",)

NOT_COMPARED: Final = {
    "financial-processed": "empty where each event is processed once",
    "financial-fee-hours": "the oracle of fills compares them (tests/oracle/windows.py)",
    "financial-watermark": "follows from the times of fees",
}
