"""A deposit is a fact that a service reports, once; a user can only ask for one."""

from __future__ import annotations

from streams.events.financial import DepositRequested, FundsDeposited, LedgerPosted, RequestDeposit
from streams.events.user import AccountSuspended
from tests.unit.agents.financial.bank import Bank, of_type, reasons


def test_a_reported_deposit_is_credited() -> None:
    bank = Bank()
    events = bank.deposit("ada", "1500.00", "wire-1")
    [deposited] = of_type(events, FundsDeposited)
    assert (deposited.asset, deposited.amount.text(), deposited.reference) == ("USD", "1500", "wire-1")
    assert bank.has("ada") == ("1500", "0")
    assert (bank.total("outside:bank"), bank.total("transit")) == ("-1500", "0")
    bank.check()


def test_a_reference_counts_once_over_all_users() -> None:
    bank = Bank()
    bank.deposit("ada", "1500.00", "wire-1")
    assert bank.deposit("ada", "1500.00", "wire-1") == []
    for user, amount in (("bob", "1500.00"), ("ada", "1500.01")):
        assert reasons(bank.deposit(user, amount, "wire-1")) == ["reference_was_used"]
    assert (bank.has("ada"), bank.has("bob")) == (("1500", "0"), ("0", "0"))
    bank.check()


def test_a_user_can_only_ask_for_a_deposit() -> None:
    bank = Bank()
    events = bank.send(RequestDeposit, asset="USD", amount="1500", provider="bank")
    assert of_type(events, DepositRequested)
    assert not of_type(events, LedgerPosted)
    assert bank.has("ada") == ("0", "0")


def test_a_suspended_account_cannot_ask() -> None:
    bank = Bank()
    bank.send(AccountSuspended, user_id="ada")
    assert reasons(bank.send(RequestDeposit, asset="USD", amount="1", provider="bank")) == ["account_suspended"]
