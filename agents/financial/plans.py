"""Plans: subscribe, change, cancel, and renew at the end of a period. A plan is paid from the user's USD balance."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from agents.deadlines import Deadlines
from agents.financial.customers import Customers, refused, rejected
from agents.financial.entries import moved
from agents.financial.ledger import Ledger
from agents.financial.months import MONTHS, days_in, days_left, months_after
from agents.financial.plan_rows import PlanRows
from agents.financial.policy import PlanPolicy
from agents.financial.revenue import Revenues
from agents.notices import notice
from streams.assets import quantity_of
from streams.events import AnyEvent, Event
from streams.events.financial import (
    ChangePlan,
    Plan,
    Subscribe,
    SubscriptionCancelled,
    SubscriptionDowngraded,
    SubscriptionEnded,
    SubscriptionRenewed,
    SubscriptionStarted,
    SubscriptionUpgraded,
)
from streams.times import Instant
from streams.units import Usd, divide_half_up
from tables.accounts import TREASURY, available
from tables.financial import DeadlineKind, Subscription
from tables.unit_of_work import UnitOfWork


class Plans:
    """The plans of a partition's users."""

    def __init__(
        self,
        tables: UnitOfWork,
        *,
        ledger: Ledger,
        customers: Customers,
        deadlines: Deadlines[DeadlineKind],
        revenues: Revenues,
        policy: PlanPolicy,
    ) -> None:
        self.rows = PlanRows(tables)
        self._ledger = ledger
        self._customers = customers
        self._deadlines = deadlines
        deadlines.on({"plan": self._turn_ended})
        self._revenues = revenues
        self._policy = policy

    # --- commands -----------------------------------------------------------------------------------------------------

    def subscribe(self, event: Event[Subscribe]) -> list[AnyEvent]:
        """Begin a plan, and pay its first period."""
        events, plan, reason = self._now(event)
        if reason is None and plan is not None:
            reason = "plan_is_active"
        user_id, data = event.partitionkey, event.data
        price = self._policy.price(data.plan, data.cycle)
        if reason is None and not self._can_pay(user_id, price):
            reason = "insufficient_funds"
        if reason is not None:
            return [*events, *rejected(event, reason, data.plan)]
        started, months = event.time, MONTHS[data.cycle]
        ends_at = months_after(started, months)
        self._begin(
            user_id,
            Subscription(
                plan=data.plan,
                cycle=data.cycle,
                started_at=int(started),
                months=months,
                period_at=int(started),
                ends_at=int(ends_at),
            ),
        )
        begun = SubscriptionStarted(plan=data.plan, cycle=data.cycle, paid_usd=Usd(price), ends_at=ends_at)
        return [*events, *self._pay(event, user_id, price, "plan_started"), event.then(begun)]

    def change(self, event: Event[ChangePlan]) -> list[AnyEvent]:
        """Upgrade at once and pay the difference, or downgrade at the end of the period.

        A change to the free plan is a cancellation.
        """
        if event.data.plan == "explorer":
            return self.cancel(event)
        events, plan, reason = self._now(event)
        target = event.data.plan
        if reason is None:
            reason = _unchangeable(plan, target)
        if reason is not None or plan is None:
            return [*events, *rejected(event, reason or "no_plan", target)]
        before, after = (self._policy.price(one, plan.cycle) for one in (plan.plan, target))
        if after < before:
            self.rows.put(event.partitionkey, replace(plan, next_plan=target))
            lower = SubscriptionDowngraded(plan=target, before=plan.plan, holds_from=Instant(plan.ends_at))
            return [*events, event.then(lower)]
        price = due_for_upgrade(after - before, int(event.time), plan)
        if not self._can_pay(event.partitionkey, price):
            return [*events, *rejected(event, "insufficient_funds", target)]
        self.rows.put(event.partitionkey, replace(plan, plan=target, next_plan=None))
        higher = SubscriptionUpgraded(plan=target, before=plan.plan, paid_usd=Usd(price), ends_at=Instant(plan.ends_at))
        return [*events, *self._pay(event, event.partitionkey, price, "plan_upgraded"), event.then(higher)]

    def cancel(self, event: Event[Any]) -> list[AnyEvent]:
        """Let the plan run to the end of its period, and not further."""
        events, plan, reason = self._now(event)
        if reason is None:
            reason = "no_plan" if plan is None else "plan_is_cancelled" if plan.cancelled else None
        if reason is not None or plan is None:
            return [*events, *rejected(event, reason or "no_plan")]
        return [*events, self._cancelled(event, plan)]

    # --- what follows from other events -------------------------------------------------------------------------------

    def account_closed(self, event: AnyEvent) -> list[AnyEvent]:
        """Let the plan of a closed account end with its period."""
        plan = self.rows.get(event.partitionkey)
        return [] if plan is None or plan.cancelled else [self._cancelled(event, plan)]

    # --- inside -------------------------------------------------------------------------------------------------------

    def _now(self, event: AnyEvent) -> tuple[list[AnyEvent], Subscription | None, str | None]:
        """Turn periods that ended before a command, whose tick has not come yet.

        Return the events of that, the plan, and why the user may send no command.
        """
        user_id = event.partitionkey
        if reason := refused(self._customers.of(user_id)):
            return [], None, reason
        events = self._turn_ended(user_id, event)
        return events, self.rows.get(user_id), None

    def _turn_ended(self, user_id: str, event: AnyEvent) -> list[AnyEvent]:
        """Turn the periods of a user that have ended. There are several when ticks were missing."""
        events: list[AnyEvent] = []
        while (plan := self.rows.get(user_id)) is not None and plan.ends_at <= event.time:
            events += self._turn(event, user_id, plan)
        return events

    def _turn(self, event: AnyEvent, user_id: str, plan: Subscription) -> list[AnyEvent]:
        """End a period: renew the plan, unless it is cancelled or cannot be paid."""
        name = f"{user_id}:{plan.ends_at}"
        following = plan.next_plan or plan.plan
        price = self._policy.price(following, plan.cycle)
        if plan.cancelled or not self._can_pay(user_id, price):
            self.rows.delete(user_id)
            ended = SubscriptionEnded(plan=plan.plan, reason="cancelled" if plan.cancelled else "payment_failed")
            told = [] if plan.cancelled else [_notified(event, "plan_failed", plan.plan, user_id, name)]
            return [event.then(ended, key=user_id, name=name), *told]
        months = plan.months + MONTHS[plan.cycle]
        ends_at = months_after(plan.started_at, months)
        renewed = replace(
            plan, plan=following, next_plan=None, months=months, period_at=plan.ends_at, ends_at=int(ends_at)
        )
        self._begin(user_id, renewed)
        paid = SubscriptionRenewed(plan=following, cycle=plan.cycle, paid_usd=Usd(price), ends_at=ends_at)
        return [
            *self._pay(event, user_id, price, "plan_renewed", name),
            event.then(paid, key=user_id, name=name),
            _notified(event, "plan_renewed", following, user_id, name),
        ]

    def _begin(self, user_id: str, plan: Subscription) -> None:
        """Store a plan whose period begins."""
        self.rows.put(user_id, plan)
        self._deadlines.add("plan", user_id, plan.ends_at)

    def _cancelled(self, event: AnyEvent, plan: Subscription) -> AnyEvent:
        self.rows.put(event.partitionkey, replace(plan, cancelled=True, next_plan=None))
        return event.then(SubscriptionCancelled(plan=plan.plan, ends_at=Instant(plan.ends_at)))

    def _can_pay(self, user_id: str, price: int) -> bool:
        return self._ledger.balance(available(user_id), "USD") >= quantity_of(Usd(price))

    def _pay(self, event: AnyEvent, user_id: str, price: int, reason: str, name: str = "") -> list[AnyEvent]:
        if not price:
            return []
        amount = quantity_of(Usd(price))
        entry = moved(reason, "USD", amount, source=available(user_id), target=TREASURY)
        posted = self._ledger.post(event, entry, key=user_id, name=name)
        return [posted, self._revenues.record(event, "subscriptions", "USD", amount, key=user_id, name=name)]


def due_for_upgrade(difference: int, now: int, plan: Subscription) -> int:
    """Return what an upgrade costs, in 1e-8 USD: the difference of prices for the days that are left, half up."""
    days = days_in(plan.period_at, plan.ends_at)
    return divide_half_up(difference * min(days, days_left(now, plan.ends_at)), days)


def _unchangeable(plan: Subscription | None, target: Plan) -> str | None:
    if plan is None:
        return "no_plan"
    if plan.cancelled:
        return "plan_is_cancelled"
    return "same_plan" if plan.plan == target else None


def _notified(event: AnyEvent, kind: Any, plan: Plan, user_id: str, name: str) -> AnyEvent:
    return notice(event, kind, user_id=user_id, id_name=name, plan=plan)
