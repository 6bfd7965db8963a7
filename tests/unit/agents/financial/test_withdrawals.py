"""Withdrawals: reserve; verification above 1,000 USD; review above 10,000; pay out; capture or release."""

from __future__ import annotations

from typing import Any

import pytest

from streams.events import AnyEvent
from streams.events.financial import (
    ReportPayout,
    ReviewWithdrawal,
    Withdraw,
    WithdrawalApproved,
    WithdrawalCompleted,
    WithdrawalRejected,
    WithdrawalRequested,
)
from streams.events.notifications import Notified
from streams.events.user import AccountClosed, AccountRegistered, AccountReinstated, AccountSuspended, EmailVerified
from tables.financial import FINANCIAL_REVIEWS, FINANCIAL_WITHDRAWALS
from tests.unit.agents.financial.bank import AT, Bank, of_type, reasons
from tests.unit.agents.rulebooks import rulebook_with


@pytest.fixture
def bank() -> Bank:
    bank = Bank()
    bank.deposit("ada", "20000")
    return bank


def withdraw(bank: Bank, amount: str, name: str = "w-1", at: str = AT, asset: str = "USD") -> list[AnyEvent]:
    return bank.send(Withdraw, at=at, withdrawal_id=name, asset=asset, amount=amount, destination="iban")


def review(bank: Bank, *, approve: bool, moderator: str = "mod", name: str = "w-1") -> list[AnyEvent]:
    fields: dict[str, Any] = {"user_id": "ada", "withdrawal_id": name, "approve": approve, "moderator": moderator}
    return bank.send(ReviewWithdrawal, **fields)


def pay(bank: Bank, *, paid: bool = True, name: str = "w-1", reference: str = "p-1") -> list[AnyEvent]:
    fields: dict[str, Any] = {"user_id": "ada", "withdrawal_id": name, "paid": paid, "provider": "bank"}
    return bank.send(ReportPayout, reference=reference, **fields)


def told(events: list[AnyEvent]) -> list[str]:
    return [one.text for one in of_type(events, Notified)]


def test_a_small_withdrawal_is_reserved_approved_and_paid(bank: Bank) -> None:
    events = withdraw(bank, "1000")
    assert [one.review for one in of_type(events, WithdrawalRequested)] == [False]
    assert of_type(events, WithdrawalApproved)
    assert bank.has("ada") == ("19000", "1000")
    events = pay(bank)
    [completed] = of_type(events, WithdrawalCompleted)
    assert (completed.amount.text(), completed.reference, told(events)) == ("1000", "p-1", ["withdrawal_paid"])
    assert (bank.has("ada"), bank.total("outside:bank")) == (("19000", "0"), "-19000")
    bank.check()


def test_a_payout_that_is_reported_again_counts_once(bank: Bank) -> None:
    withdraw(bank, "1000")
    pay(bank)
    assert pay(bank) == []
    assert reasons(pay(bank, reference="p-2")) == ["not_payable"]
    assert bank.has("ada") == ("19000", "0")


def test_a_payout_that_failed_releases_the_money(bank: Bank) -> None:
    withdraw(bank, "1000")
    events = pay(bank, paid=False)
    assert [one.reason for one in of_type(events, WithdrawalRejected)] == ["payout_failed"]
    assert (told(events), bank.has("ada")) == (["withdrawal_rejected"], ("20000", "0"))


def test_a_withdrawal_never_overdraws(bank: Bank) -> None:
    bank.verify("ada")
    withdraw(bank, "9999.99999999")
    withdraw(bank, "10000", "w-2")
    assert reasons(withdraw(bank, "0.00000002", "w-3")) == ["insufficient_funds"]
    assert reasons(withdraw(bank, "0.00000001", "w-4")) == []
    assert bank.has("ada")[0] == "0"
    bank.check()


def test_above_1000_usd_needs_verification_not_older_than_365_days(bank: Bank) -> None:
    assert reasons(withdraw(bank, "1000.00000001")) == ["verification_required"]
    bank.send(EmailVerified, user_id="ada")
    bank.verify("ada", "phone")
    assert reasons(withdraw(bank, "1000.00000001", "w-2")) == ["verification_required"]
    bank.verify("ada", at="2025-01-05T12:00:00Z")
    assert reasons(withdraw(bank, "1000.00000001", "w-3", at="2026-01-05T12:00:00.000001Z")) == ["verification_too_old"]
    assert reasons(withdraw(bank, "1000.00000001", "w-4", at="2026-01-05T12:00:00Z")) == []


def test_a_premium_user_is_verified(bank: Bank) -> None:
    bank.verify("ada", "premium")
    assert reasons(withdraw(bank, "5000")) == []


def test_above_10000_usd_waits_for_review(bank: Bank) -> None:
    bank.verify("ada")
    events = withdraw(bank, "10000.00000001")
    assert [one.review for one in of_type(events, WithdrawalRequested)] == [True]
    assert not of_type(events, WithdrawalApproved)
    assert reasons(pay(bank)) == ["not_payable"]
    assert list(bank.rows(FINANCIAL_REVIEWS)) == ["ada|w-1"]
    events = review(bank, approve=True)
    assert [one.moderator for one in of_type(events, WithdrawalApproved)] == ["mod"]
    assert (told(events), dict(bank.rows(FINANCIAL_REVIEWS))) == (["withdrawal_approved"], {})
    assert of_type(pay(bank), WithdrawalCompleted)
    bank.check()


def test_10000_usd_do_not_wait(bank: Bank) -> None:
    bank.verify("ada")
    assert [one.review for one in of_type(withdraw(bank, "10000"), WithdrawalRequested)] == [False]


def test_a_refused_review_releases_the_money(bank: Bank) -> None:
    bank.verify("ada")
    withdraw(bank, "10001")
    events = review(bank, approve=False)
    assert [one.reason for one in of_type(events, WithdrawalRejected)] == ["review_refused"]
    assert (bank.has("ada"), dict(bank.rows(FINANCIAL_REVIEWS))) == (("20000", "0"), {})


def test_only_a_waiting_withdrawal_can_be_reviewed_and_nobody_reviews_their_own(bank: Bank) -> None:
    bank.verify("ada")
    assert reasons(review(bank, approve=True)) == ["not_in_review"]
    withdraw(bank, "10001")
    assert reasons(review(bank, approve=True, moderator="ada")) == ["own_withdrawal"]
    review(bank, approve=True)
    assert reasons(review(bank, approve=False)) == ["not_in_review"]


def test_strk_has_limits_of_its_own(bank: Bank) -> None:
    bank.deposit("ada", "20000", "strk-1", "STRK")
    assert reasons(withdraw(bank, "1000.000000000000000001", asset="STRK")) == ["verification_required"]
    bank.verify("ada")
    assert [one.review for one in of_type(withdraw(bank, "10000.5", "w-2", asset="STRK"), WithdrawalRequested)] == [
        True
    ]


def test_who_may_not_withdraw(bank: Bank) -> None:
    bank.send(AccountSuspended, user_id="ada")
    assert reasons(withdraw(bank, "1")) == ["account_suspended"]
    bank.send(AccountReinstated, user_id="ada")
    assert reasons(withdraw(bank, "1", "w-2")) == []
    bank.send(AccountRegistered, user_id="ada", role="user", parent_id="boss")
    assert reasons(withdraw(bank, "1", "w-3")) == ["sub_account"]
    bank.send(AccountClosed, user_id="ada")
    assert reasons(withdraw(bank, "1", "w-4")) == ["account_closed"]


def test_a_withdrawal_that_is_refused_at_once_is_listed_for_its_user(bank: Bank) -> None:
    withdraw(bank, "99999", "w-1")
    withdraw(bank, "1", "w-2")
    [listed] = bank.rows(FINANCIAL_WITHDRAWALS)["ada"]
    assert [(one.withdrawal_id, one.status, one.reason) for one in listed.ended] == [
        ("w-1", "rejected", "verification_required")
    ]
    assert listed.ended[0].decided_at == listed.ended[0].requested_at
    assert [one.withdrawal_id for one in listed.open] == ["w-2"]
    assert reasons(pay(bank, name="w-1")) == ["not_payable"]
    bank.check()


def test_an_amount_has_the_decimals_of_its_asset(bank: Bank) -> None:
    assert reasons(withdraw(bank, "0.000000001")) == ["too_many_decimals"]


def test_a_repeated_command_reserves_once(bank: Bank) -> None:
    withdraw(bank, "10")
    assert withdraw(bank, "10") == []
    assert bank.has("ada") == ("19990", "10")


def test_a_users_withdrawals_are_bounded() -> None:
    numbers = {"financial": {"withdrawals": {"open_max": 2, "ended_kept": 3}}}
    bank = Bank(rulebook=rulebook_with(numbers))
    bank.deposit("ada", "100")
    for number in range(5):
        withdraw(bank, "1", f"w-{number}")
        pay(bank, name=f"w-{number}", reference=f"p-{number}")
    row = bank.row(FINANCIAL_WITHDRAWALS, "ada")
    assert [one.withdrawal_id for one in row.ended] == ["w-2", "w-3", "w-4"]
    assert [reasons(withdraw(bank, "1", f"v-{number}")) for number in range(3)] == [[], [], ["too_many_open"]]
