"""Worked examples of domain.md §7, §10 and §12, computed by the oracle."""

from typing import Any

import pytest

from tests.community.oracle.amounts import E8, E18, quantity, usd
from tests.community.oracle.ledger import Ledger
from tests.community.oracle.plans import months_later, price, upgrade_price
from tests.community.oracle.told import Told, micros

ADA = "user:ada:available"
SET_ASIDE = "user:ada:reserved"


def verified(at: str = "2026-01-05T12:00:00Z") -> Told:
    world = Told()
    world.say("VerificationChanged", "ada", at, user_id="ada", tier="identity", before="email")
    world.deposit("ada", "50000")
    return world


def withdraw(world: Told, amount: str, at: str = "2026-01-05T12:00:00Z", number: int = 1) -> str | None:
    """Ask for a withdrawal, and return its status, or None when it was refused."""
    asked = {"asset": "USD", "amount": amount, "destination": "iban:1", "withdrawal_id": f"w-{number}"}
    world.say("Withdraw", "ada", at, **asked)
    row = world.row("financial-withdrawals", "ada")
    found = row["open"].get(f"w-{number}") if row else None
    return str(found["status"]) if found else None


def decide(world: Told, *, approve: bool, moderator: str = "mod") -> None:
    data: dict[str, Any] = {"user_id": "ada", "withdrawal_id": "w-1", "approve": approve, "moderator": moderator}
    world.say("ReviewWithdrawal", moderator, **data)


def pay(world: Told, *, paid: bool = True) -> None:
    data: dict[str, Any] = {
        "user_id": "ada",
        "withdrawal_id": "w-1",
        "paid": paid,
        "provider": "bank",
        "reference": "p-1",
    }
    world.say("ReportPayout", "bank", **data)


# --- ledger -----------------------------------------------------------------------------------------------------------


def test_an_entry_balances_or_is_none() -> None:
    with pytest.raises(ValueError, match="no entry"):
        Ledger().post("USD", {"user:ada:available": E18, "platform:emission": -2 * E18}, ("x",))


def test_a_users_account_never_goes_below_zero() -> None:
    with pytest.raises(ValueError, match="would have"):
        Ledger().move("SS", E18, ("x",), source=ADA, target="constellation:c")


def test_a_reference_of_a_provider_counts_once_over_all_users() -> None:
    world = Told()
    world.deposit("ada", "100", reference="wire-1")
    world.deposit("bob", "100", reference="wire-1")
    assert (world.has(ADA), world.has("user:bob:available")) == (quantity("100"), 0)
    assert world.has("outside:bank") == -quantity("100")
    assert set(world.financial.ledger.sums().values()) == {0}


def test_a_grant_comes_from_the_emission_and_a_contribution_needs_the_shards() -> None:
    world = Told()
    world.financial.granted("ada", 100, reason="achievement", at=0, causes=("x",))
    assert world.has("platform:emission", "SS") == -100 * E18
    assert not world.financial.contribution_requested("ada", "c", 101, at=0, causes=("y",))
    assert world.financial.contribution_requested("ada", "c", 100, at=0, causes=("y",))
    assert world.has("constellation:c", "SS") == 100 * E18
    assert world.financial.folded("financial-ledger", f"{ADA}|SS") == {"x", "y"}


# --- withdrawals ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("amount", "status"),
    [("1000.01", "approved"), ("10000", "approved"), ("10000.00000001", "review"), ("50000.01", None)],
)
def test_a_withdrawal_above_10000_usd_waits_for_review_and_none_overdraws(amount: str, status: str | None) -> None:
    assert withdraw(verified(), amount) == status


def test_a_withdrawal_above_1000_usd_needs_kyc_not_older_than_365_days() -> None:
    unverified = Told()
    unverified.deposit("ada", "50000")
    assert withdraw(unverified, "1000") == "approved"
    assert withdraw(unverified, "1000.01", number=2) is None
    world = verified("2025-01-05T12:00:00Z")
    assert withdraw(world, "1000.01", "2026-01-05T12:00:00Z") == "approved"
    assert withdraw(world, "1000.01", "2026-01-05T12:00:00.000001Z", 2) is None


def test_a_payout_captures_what_was_reserved() -> None:
    world = verified()
    withdraw(world, "20000")
    pay(world)
    decide(world, approve=True, moderator="ada")
    assert (world.has(ADA), world.has(SET_ASIDE)) == (quantity("30000"), quantity("20000"))
    decide(world, approve=True)
    pay(world)
    pay(world)
    assert (world.has(ADA), world.has(SET_ASIDE)) == (quantity("30000"), 0)
    assert world.kinds("ada") == ["withdrawal_approved", "withdrawal_paid"]
    assert world.rows()["financial-reviews"] == {}


@pytest.mark.parametrize("step", ["review", "payout"])
def test_a_refused_or_failed_withdrawal_is_released(step: str) -> None:
    world = verified()
    withdraw(world, "20000")
    decide(world, approve=step == "payout")
    pay(world, paid=False)
    assert (world.has(ADA), world.has(SET_ASIDE)) == (quantity("50000"), 0)
    assert world.row("financial-withdrawals", "ada")["open"] == {}


def test_a_suspended_user_and_a_sub_account_withdraw_nothing() -> None:
    world = verified()
    world.say("AccountSuspended", "ada", user_id="ada")
    assert withdraw(world, "1") is None
    world.say("AccountReinstated", "ada", user_id="ada")
    world.say("AccountRegistered", "ada", user_id="ada", role="user", parent_id="bob")
    assert withdraw(world, "1") is None


# --- plans ------------------------------------------------------------------------------------------------------------


def test_a_year_costs_ten_months_and_a_quarter_three() -> None:
    assert [price("captain", cycle) for cycle in ("month", "quarter", "year")] == [
        usd("19.95"),
        usd("59.85"),
        usd("199.50"),
    ]


def test_the_31st_comes_back_after_a_shorter_month() -> None:
    start = micros("2026-01-31T10:00:00Z")
    assert months_later(start, 1) == micros("2026-02-28T10:00:00Z")
    assert months_later(start, 2) == micros("2026-03-31T10:00:00Z")
    assert months_later(start, 12) == micros("2027-01-31T10:00:00Z")


def test_an_upgrade_charges_the_difference_for_the_days_left() -> None:
    begin, end = micros("2026-01-05T12:00:00Z"), micros("2026-02-05T12:00:00Z")
    assert upgrade_price(10 * E8, micros("2026-01-25T13:00:00Z"), begin, end) == usd("3.5483871")
    assert upgrade_price(10 * E8, begin, begin, end) == 10 * E8


def subscribed(money: str = "9.95", plan: str = "navigator") -> Told:
    world = Told()
    world.deposit("ada", money)
    world.say("Subscribe", "ada", plan=plan, cycle="month")
    return world


def test_one_plan_is_active_and_paid_to_the_treasury() -> None:
    world = subscribed("100")
    world.say("Subscribe", "ada", plan="captain", cycle="month")
    assert world.row("financial-plans", "ada")["plan"] == "navigator"
    assert world.has("platform:treasury") == quantity("9.95")
    assert world.row("financial-revenue", "subscriptions|USD|2026-01")["amount"] == quantity("9.95")


def test_a_plan_renews_at_the_tick_that_ends_its_period_and_fails_without_money() -> None:
    world = subscribed("19.90")
    world.say("Ticked", at="2026-02-05T11:59:59Z")
    assert world.has(ADA) == quantity("9.95")
    world.say("Ticked", at="2026-02-05T12:00:00Z")
    assert world.row("financial-plans", "ada")["ends_at"] == micros("2026-03-05T12:00:00Z")
    world.say("Ticked", at="2026-03-05T12:00:00Z")
    assert world.row("financial-plans", "ada") is None
    assert world.kinds("ada") == ["plan_renewed", "plan_failed"]


def test_ticks_that_were_missing_renew_each_period() -> None:
    world = subscribed("29.85")
    world.say("Ticked", at="2026-03-06T00:00:00Z")
    plan = world.row("financial-plans", "ada")
    assert (plan["months"], plan["period_at"]) == (3, micros("2026-03-05T12:00:00Z"))
    assert world.has(ADA) == 0


def test_a_cancelled_plan_runs_to_its_end_and_is_not_paid_again() -> None:
    world = subscribed("100")
    world.say("CancelPlan", "ada")
    world.say("Ticked", at="2026-02-05T11:00:00Z")
    assert world.row("financial-plans", "ada")["cancelled"]
    world.say("Ticked", at="2026-02-05T12:00:00Z")
    assert world.row("financial-plans", "ada") is None
    assert world.has(ADA) == quantity("90.05")


def test_a_downgrade_holds_from_the_next_period_and_an_upgrade_at_once() -> None:
    world = subscribed("200", "captain")
    world.say("ChangePlan", "ada", plan="navigator")
    assert world.row("financial-plans", "ada")["plan"] == "captain"
    world.say("Ticked", at="2026-02-05T12:00:00Z")
    assert world.row("financial-plans", "ada")["plan"] == "navigator"
    assert world.has(ADA) == quantity("170.10")
    world.say("ChangePlan", "ada", "2026-02-05T12:00:00Z", plan="admiral")
    assert world.row("financial-plans", "ada")["plan"] == "admiral"
    assert world.has(ADA) == quantity("140.10")
