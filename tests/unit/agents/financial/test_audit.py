"""An audit finds each damage to a partition's money, and names the account and the difference."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from streams.events.financial import Subscribe, Withdraw
from streams.events.nft import PurchaseRequested
from streams.units import Quantity
from tables.financial import (
    AUDIT_KEY,
    FINANCIAL_AUDITS,
    FINANCIAL_FEES,
    FINANCIAL_LEDGER,
    FINANCIAL_RESERVATIONS,
    FINANCIAL_REVENUE,
    FINANCIAL_WITHDRAWALS,
    Balance,
    FeeTotal,
    Revenue,
)
from tables.financial_audit import AUDITED, RULES, Breach, breaches, described
from tests.unit.agents.financial.bank import Bank
from tests.unit.agents.financial.test_ledger import executed

UNIT = 10**10
"""1e-8 USD in 1e-18."""


@pytest.fixture
def bank() -> Bank:
    """Return one partition in which money of every kind has moved."""
    bank = Bank(1)
    bank.deposit("ada", "500")
    bank.grant("ada", 50)
    bank.put(executed(), "ada")
    bank.send(Subscribe, plan="navigator", cycle="month")
    bank.send(Withdraw, withdrawal_id="w-1", asset="USD", amount="20", destination="iban")
    wanted: dict[str, Any] = {"token_id": "t", "listing_id": "l", "asset": "SS", "amount": "10"}
    bank.send(PurchaseRequested, reservation_id="r-1", **wanted)
    return bank


def audit(bank: Bank) -> list[Breach]:
    [part] = bank.parts
    rows: Any = {
        spec.name: [(key.decode(), spec.model.load(raw)) for key, raw in part.maps[spec.name].items()]  # type: ignore[union-attr]
        for spec in AUDITED
    }
    return list(breaches(rows))


def damage(bank: Bank, table: Any, key: str, row: Any) -> None:
    bank.parts[0].maps[table.name][key.encode()] = row.dump()


def test_sound_books_have_no_breach(bank: Bank) -> None:
    assert audit(bank) == []


@pytest.mark.parametrize(
    ("table", "key", "row", "expected"),
    [
        (
            FINANCIAL_LEDGER, "platform:treasury|USD", Balance(amount=Quantity.of(10)),
            {("balanced", "all accounts", "0.05"), ("revenue_sources", "subscriptions", "-0.05")},
        ),
        (
            FINANCIAL_LEDGER, "user:bob:available|SS", Balance(amount=Quantity.of(-1)),
            {("balanced", "all accounts", "-1"), ("overdrawn", "user:bob:available", "-1")},
        ),
        (
            FINANCIAL_LEDGER, "user:ada:reserved|USD", Balance(amount=Quantity.of(19)),
            {("balanced", "all accounts", "-1"), ("reserved", "user:ada:reserved", "-1")},
        ),
        (
            FINANCIAL_FEES, "trading|USD|all|treasury", FeeTotal(amount=90_000_001, count=1),
            {("fees_split", "trading all", "0.00000001"), ("fee_days", "trading treasury", "-0.00000001")},
        ),
        (
            FINANCIAL_FEES, "trading|USD|all|total", FeeTotal(amount=150_000_001, count=1),
            {
                ("fees_held", "platform:fees:trading", "-0.00000001"), ("fees_split", "trading all", "-0.00000001"),
                ("fee_days", "trading total", "-0.00000001"), ("revenue_sources", "fees", "-0.00000001"),
            },
        ),
        (
            FINANCIAL_REVENUE, "subscriptions|USD|2026-01-05", Revenue(amount=Quantity.of(9)),
            {("revenue_months", "subscriptions 2026-01", "0.95")},
        ),
    ],
)  # fmt: skip
def test_a_damaged_row_is_found_with_its_account_and_difference(
    bank: Bank, table: Any, key: str, row: Any, expected: set[tuple[str, str, str]]
) -> None:
    damage(bank, table, key, row)
    assert {(one.rule, one.subject, Quantity(one.difference).text()) for one in audit(bank)} == expected


@pytest.mark.parametrize(("table", "asset"), [(FINANCIAL_WITHDRAWALS, "USD"), (FINANCIAL_RESERVATIONS, "SS")])
def test_a_lost_reservation_or_withdrawal_is_found(bank: Bank, table: Any, asset: str) -> None:
    bank.parts[0].maps[table.name].clear()
    assert [(one.rule, one.subject, one.asset) for one in audit(bank)] == [("reserved", "user:ada:reserved", asset)]


def test_a_breach_is_described_by_account_difference_and_rule() -> None:
    breach = Breach("overdrawn", "user:bob:available", "USD", -UNIT)
    assert described(breach) == "user:bob:available: -0.00000001 USD (no account of a user is below 0)"


def test_a_tick_audits_once_an_hour_and_keeps_the_counts(bank: Bank) -> None:
    bank.tick("2026-01-05T12:00:00Z")
    first = bank.row(FINANCIAL_AUDITS, AUDIT_KEY)
    assert first.breaches == dict.fromkeys(RULES, 0)
    row = bank.row(FINANCIAL_LEDGER, "platform:treasury|USD")
    damage(bank, FINANCIAL_LEDGER, "platform:treasury|USD", replace(row, amount=Quantity(row.amount + 1)))
    bank.tick("2026-01-05T12:59:59Z")
    assert bank.row(FINANCIAL_AUDITS, AUDIT_KEY) == first
    bank.tick("2026-01-05T13:00:00Z")
    found = bank.row(FINANCIAL_AUDITS, AUDIT_KEY).breaches
    assert {rule for rule, count in found.items() if count} == {"balanced", "revenue_sources"}
