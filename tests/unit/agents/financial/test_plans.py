"""Plans: prices, renewal at a tick, upgrade, downgrade, cancellation; one active plan a user."""

from __future__ import annotations

from typing import Any

import pytest

from agents.financial.months import days_left, months_after
from agents.financial.plans import due_for_upgrade
from agents.rulebook import packaged_rulebook
from streams.events import AnyEvent
from streams.events.financial import (
    CancelPlan,
    ChangePlan,
    LedgerPosted,
    RevenueRecorded,
    Subscribe,
    SubscriptionCancelled,
    SubscriptionDowngraded,
    SubscriptionEnded,
    SubscriptionRenewed,
    SubscriptionStarted,
    SubscriptionUpgraded,
)
from streams.events.notifications import Notified
from streams.events.user import AccountClosed, AccountSuspended
from streams.times import DAY_US, Instant
from streams.units import Usd
from tables.financial import FINANCIAL_DEADLINES, FINANCIAL_PLAN_USERS, FINANCIAL_PLANS, Subscription
from tests.unit.agents.financial.bank import AT, Bank, of_type, reasons
from tests.unit.agents.rulebooks import rulebook_with

POLICY = packaged_rulebook().financial.plans


@pytest.fixture
def bank() -> Bank:
    bank = Bank()
    bank.deposit("ada", "100")
    return bank


def subscribe(bank: Bank, plan: str = "navigator", cycle: str = "month", at: str = AT) -> list[AnyEvent]:
    return bank.send(Subscribe, at=at, plan=plan, cycle=cycle)


def change(bank: Bank, plan: str, at: str = AT) -> list[AnyEvent]:
    return bank.send(ChangePlan, at=at, plan=plan)


def plan_of(bank: Bank, user: str = "ada") -> Subscription | None:
    found: Subscription | None = bank.row(FINANCIAL_PLANS, user)
    return found


def users(bank: Bank) -> dict[str, int]:
    """Return how many users have each plan that some have."""
    found = {plan: sum(row.users for row in rows) for plan, rows in bank.rows(FINANCIAL_PLAN_USERS).items()}
    return {plan: number for plan, number in found.items() if number}


def ended(events: list[AnyEvent]) -> list[str]:
    return [one.reason for one in of_type(events, SubscriptionEnded)]


@pytest.mark.parametrize(
    ("plan", "month", "quarter", "year"),
    [
        ("navigator", "9.95", "29.85", "99.50"),
        ("captain", "19.95", "59.85", "199.50"),
        ("admiral", "39.95", "119.85", "399.50"),
    ],
)
def test_a_year_costs_10_months_and_a_quarter_3(plan: Any, month: str, quarter: str, year: str) -> None:
    cycles: tuple[Any, ...] = ("month", "quarter", "year")
    assert [Usd(POLICY.price(plan, cycle)).text() for cycle in cycles] == [month, quarter, year]


def test_explorer_costs_nothing_and_needs_no_payment(bank: Bank) -> None:
    assert [POLICY.price("explorer", cycle) for cycle in ("month", "quarter", "year")] == [0, 0, 0]
    subscribe(bank)
    change(bank, "explorer")
    after_first_period = bank.has("ada")[0]
    bank.tick("2026-02-05T12:00:00Z")
    assert plan_of(bank) is None
    assert bank.tick("2027-02-05T12:00:00Z") == []
    assert bank.has("ada")[0] == after_first_period == "90.05"


def test_the_first_period_is_paid_at_once(bank: Bank) -> None:
    events = subscribe(bank)
    [started] = of_type(events, SubscriptionStarted)
    assert (started.paid_usd.text(), started.ends_at.text()) == ("9.95", "2026-02-05T12:00:00Z")
    [revenue] = of_type(events, RevenueRecorded)
    assert (revenue.stream, revenue.amount.text()) == ("subscriptions", "9.95")
    assert (bank.has("ada")[0], bank.total("platform:treasury")) == ("90.05", "9.95")
    bank.check()


def test_a_user_has_one_active_plan(bank: Bank) -> None:
    subscribe(bank)
    assert reasons(subscribe(bank, "captain")) == ["plan_is_active"]


def test_a_plan_that_cannot_be_paid_does_not_begin(bank: Bank) -> None:
    assert reasons(subscribe(bank, "captain", "year")) == ["insufficient_funds"]
    assert (plan_of(bank), bank.has("ada")[0]) == (None, "100")


def test_a_plan_renews_at_the_tick_that_ends_its_period(bank: Bank) -> None:
    subscribe(bank)
    assert bank.tick("2026-02-05T11:59:59Z") == []
    events = bank.tick("2026-02-05T12:00:00Z")
    [renewed] = of_type(events, SubscriptionRenewed)
    assert (renewed.paid_usd.text(), renewed.ends_at.text()) == ("9.95", "2026-03-05T12:00:00Z")
    assert [one.kind for one in of_type(events, Notified)] == ["plan_renewed"]
    assert {event.partitionkey for event in events} == {"ada"}
    assert bank.tick("2026-02-05T12:00:01Z") == []
    bank.check()


def test_a_renewal_that_cannot_be_paid_ends_the_plan(bank: Bank) -> None:
    subscribe(bank, "admiral")
    bank.tick("2026-02-05T12:00:00Z")
    events = bank.tick("2026-03-05T12:00:00Z")
    assert (ended(events), [one.kind for one in of_type(events, Notified)]) == (["payment_failed"], ["plan_failed"])
    assert (plan_of(bank), bank.has("ada")[0]) == (None, "20.1")
    assert bank.rows(FINANCIAL_DEADLINES) == {}


def test_the_renewals_of_two_users_at_one_tick_have_ids_of_their_own(bank: Bank) -> None:
    bank = Bank(1)
    for user in ("ada", "bob"):
        bank.deposit(user, "100")
        bank.send(Subscribe, user, plan="navigator", cycle="month")
    events = bank.tick("2026-02-05T12:00:00Z")
    assert len(of_type(events, SubscriptionRenewed)) == len({event.id for event in events}) // 4 == 2
    assert len({one.entry_id for one in of_type(events, LedgerPosted)}) == 2


def test_a_tick_renews_a_bounded_number_of_plans_and_a_command_does_not_wait_for_its_users_turn() -> None:
    bank = Bank(1, rulebook_with({"deadlines_per_tick_max": 1}))
    for user in ("ada", "bob", "cyd"):
        bank.deposit(user, "100")
        bank.send(Subscribe, user, plan="navigator", cycle="month")

    def renewed(events: list[AnyEvent]) -> list[str]:
        return [event.partitionkey for event in events if isinstance(event.data, SubscriptionRenewed)]

    assert renewed(bank.tick("2026-02-05T12:00:00Z")) == ["ada"]
    assert renewed(bank.send(CancelPlan, "cyd", at="2026-02-05T12:00:01Z")) == ["cyd"]
    assert renewed(bank.tick("2026-02-05T12:00:02Z")) == ["bob"]
    assert bank.tick("2026-02-05T12:00:03Z") == []


def test_the_31st_is_clamped_to_the_end_of_shorter_months_and_comes_back() -> None:
    start = Instant.parse("2026-01-31T08:00:00Z")
    days = [months_after(start, months).text()[:10] for months in (1, 2, 3, 12, 13, 25)]
    assert days == ["2026-02-28", "2026-03-31", "2026-04-30", "2027-01-31", "2027-02-28", "2028-02-29"]


def test_missing_ticks_are_made_up_for_period_by_period(bank: Bank) -> None:
    subscribe(bank, at="2026-01-31T08:00:00Z")
    events = bank.tick("2026-04-15T00:00:00Z")
    assert [one.ends_at.text()[:10] for one in of_type(events, SubscriptionRenewed)] == ["2026-03-31", "2026-04-30"]
    assert bank.has("ada")[0] == "70.15"


def test_an_upgrade_charges_the_difference_for_the_days_left(bank: Bank) -> None:
    subscribe(bank)
    [upgraded] = of_type(change(bank, "captain", "2026-01-20T12:00:00Z"), SubscriptionUpgraded)
    assert upgraded.paid_usd == Usd.parse("5.16129032")  # 10.00 * 16 / 31, half up
    assert (upgraded.before, upgraded.ends_at.text()) == ("navigator", "2026-02-05T12:00:00Z")
    [renewed] = of_type(bank.tick("2026-02-05T12:00:00Z"), SubscriptionRenewed)
    assert (renewed.plan, renewed.paid_usd.text()) == ("captain", "19.95")
    bank.check()


def test_a_day_that_has_begun_counts_whole_and_the_charge_is_rounded_half_up() -> None:
    plan = Subscription(plan="navigator", cycle="month", started_at=0, months=1, period_at=0, ends_at=30 * DAY_US)
    assert [days_left(now, plan.ends_at) for now in (0, 1, DAY_US, 30 * DAY_US - 1)] == [30, 30, 29, 1]
    assert due_for_upgrade(45, 29 * DAY_US, plan) == 2  # 1.5
    assert due_for_upgrade(44, 29 * DAY_US, plan) == 1


def test_a_downgrade_holds_from_the_end_of_the_period(bank: Bank) -> None:
    subscribe(bank, "admiral")
    [lower] = of_type(change(bank, "navigator"), SubscriptionDowngraded)
    assert lower.holds_from.text() == "2026-02-05T12:00:00Z"
    found = plan_of(bank)
    assert found is not None
    assert (found.plan, found.next_plan, bank.has("ada")[0]) == ("admiral", "navigator", "60.05")
    [renewed] = of_type(bank.tick("2026-02-05T12:00:00Z"), SubscriptionRenewed)
    assert (renewed.plan, renewed.paid_usd.text(), bank.has("ada")[0]) == ("navigator", "9.95", "50.1")


def test_an_upgrade_replaces_an_announced_downgrade(bank: Bank) -> None:
    subscribe(bank, "captain")
    change(bank, "navigator")
    change(bank, "admiral")
    found = plan_of(bank)
    assert found is not None
    assert (found.plan, found.next_plan) == ("admiral", None)


@pytest.mark.parametrize("by_change", [False, True])
def test_a_cancelled_plan_runs_to_its_period_end(bank: Bank, by_change: bool) -> None:
    subscribe(bank)
    events = change(bank, "explorer") if by_change else bank.send(CancelPlan)
    assert [one.ends_at.text() for one in of_type(events, SubscriptionCancelled)] == ["2026-02-05T12:00:00Z"]
    assert plan_of(bank) is not None
    events = bank.tick("2026-02-05T12:00:00Z")
    assert (ended(events), of_type(events, Notified)) == (["cancelled"], [])
    assert (plan_of(bank), bank.has("ada")[0]) == (None, "90.05")


def test_what_cannot_be_changed(bank: Bank) -> None:
    assert reasons(change(bank, "captain")) == ["no_plan"]
    assert reasons(bank.send(CancelPlan)) == ["no_plan"]
    subscribe(bank)
    assert reasons(change(bank, "navigator")) == ["same_plan"]
    bank.send(CancelPlan)
    assert reasons(bank.send(CancelPlan)) == ["plan_is_cancelled"]
    assert reasons(change(bank, "captain")) == ["plan_is_cancelled"]


def test_an_upgrade_that_cannot_be_paid_changes_nothing(bank: Bank) -> None:
    subscribe(bank, "navigator", "year")
    assert reasons(change(bank, "admiral")) == ["insufficient_funds"]
    found = plan_of(bank)
    assert found is not None
    assert found.plan == "navigator"


def test_a_command_after_the_period_and_before_its_tick_finds_the_period_turned(bank: Bank) -> None:
    subscribe(bank)
    events = change(bank, "captain", "2026-02-05T12:00:00Z")
    assert [type(event.data).__name__ for event in events if isinstance(event.data, SubscriptionRenewed)]
    assert [one.paid_usd.text() for one in of_type(events, SubscriptionUpgraded)] == ["10.00"]
    assert bank.tick("2026-02-05T12:00:01Z") == []


def test_a_suspended_account_keeps_its_plan_and_loses_its_commands(bank: Bank) -> None:
    subscribe(bank)
    bank.send(AccountSuspended, user_id="ada")
    for events in (subscribe(bank), change(bank, "captain"), bank.send(CancelPlan)):
        assert reasons(events) == ["account_suspended"]
    assert plan_of(bank) is not None


def test_the_plan_of_a_closed_account_is_not_renewed(bank: Bank) -> None:
    subscribe(bank)
    assert of_type(bank.send(AccountClosed, user_id="ada"), SubscriptionCancelled)
    assert ended(bank.tick("2026-02-05T12:00:00Z")) == ["cancelled"]


def test_users_are_counted_by_the_plan_that_they_have_now(bank: Bank) -> None:
    bank.deposit("bob", "100")
    bank.send(Subscribe, "bob", plan="navigator", cycle="month")
    subscribe(bank)
    assert users(bank) == {"navigator": 2}
    change(bank, "admiral")
    assert users(bank) == {"navigator": 1, "admiral": 1}
    change(bank, "captain")
    bank.send(CancelPlan, "bob")
    assert users(bank) == {"navigator": 1, "admiral": 1}, "a downgrade and a cancellation count from the next period on"
    bank.tick("2026-02-05T12:00:00Z")
    assert users(bank) == {"captain": 1}
    bank.put(AccountClosed(user_id="ada"), "ada", "2026-02-06T12:00:00Z")
    assert users(bank) == {"captain": 1}, "a closed account keeps its plan until the period ends"
    bank.tick("2026-03-05T12:00:00Z")
    assert users(bank) == {}


@pytest.mark.parametrize("first", ["tick", "change"])
def test_plans_that_are_older_than_the_numbers_are_counted_once(bank: Bank, first: str) -> None:
    for name in ("bob", "cleo", "dora"):
        bank.deposit(name, "300")
        bank.send(Subscribe, name, plan="navigator", cycle="year")
    subscribe(bank)
    for part in bank.parts:
        part.maps[FINANCIAL_PLAN_USERS.name].clear()
    if first == "tick":
        bank.tick("2026-01-05T12:01:00Z")
        assert users(bank) == {"navigator": 4}
    for name in ("ada", "bob", "cleo", "dora"):
        bank.send(ChangePlan, name, plan="captain")
    assert users(bank) == {"captain": 4}
    bank.tick("2026-01-05T12:02:00Z")
    assert users(bank) == {"captain": 4}


def test_users_by_plan_are_counted_anew_with_each_audit(bank: Bank) -> None:
    """A worker of an older version, which shares the partition during a rollback, changes plans alone."""
    subscribe(bank)
    bank.tick("2026-01-05T12:01:00Z")
    before = {part: dict(part.maps[FINANCIAL_PLAN_USERS.name]) for part in bank.parts}
    bank.deposit("bob", "100")
    bank.send(Subscribe, "bob", plan="captain", cycle="month")
    for part, rows in before.items():
        part.maps[FINANCIAL_PLAN_USERS.name].update(rows)
    bank.tick("2026-01-05T12:02:00Z")
    assert users(bank) == {"navigator": 1}
    bank.tick("2026-01-05T13:02:00Z")
    assert users(bank) == {"navigator": 1, "captain": 1}
