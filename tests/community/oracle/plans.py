"""Plans: one a user, paid in advance, renewed at the end of a period by a tick (domain.md §7)."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable
from datetime import datetime, timedelta
from fractions import Fraction
from math import ceil
from typing import Any, Final

from tests.community.journal import Entry
from tests.community.oracle.amounts import SMALLEST, half_up, usd
from tests.community.oracle.crossing import Causes, Domains
from tests.community.oracle.customers import Customers
from tests.community.oracle.fee_totals import EPOCH, MICROSECOND, FeeTotals
from tests.community.oracle.ledger import TREASURY, Ledger, available
from tests.community.oracle.tables import Table

MONTH_USD: Final = {"explorer": "0", "navigator": "9.95", "captain": "19.95", "admiral": "39.95"}
MONTHS: Final = {"month": 1, "quarter": 3, "year": 12}
MONTHS_CHARGED: Final = {"month": 1, "quarter": 3, "year": 10}
FREE: Final = "explorer"
DAY: Final = timedelta(days=1)

Row = dict[str, Any]


def price(plan: str, cycle: str) -> int:
    """Return what a period costs, in 1e-8 USD. A year costs 10 months."""
    return usd(MONTH_USD[plan]) * MONTHS_CHARGED[cycle]


def months_later(start: int, months: int) -> int:
    """Return the same day of a later month, or the last day of a shorter one, in microseconds."""
    moment = EPOCH + timedelta(microseconds=start)
    year, month = divmod(moment.year * 12 + moment.month - 1 + months, 12)
    day = min(moment.day, monthrange(year, month + 1)[1])
    return _micros(moment.replace(year=year, month=month + 1, day=day))


def _micros(moment: datetime) -> int:
    return (moment - EPOCH) // MICROSECOND


def upgrade_price(difference: int, now: int, begin: int, end: int) -> int:
    """Return difference × days left ÷ days in the period, half up. A day that has begun counts whole."""
    day = DAY // MICROSECOND
    days = (end - begin) // day
    left = min(days, ceil(Fraction(end - now, day)))
    return half_up(Fraction(difference * left, days))


class Plans:
    """The plans of all users."""

    def __init__(self, community: Domains, ledger: Ledger, totals: FeeTotals, customers: Customers) -> None:
        self.table = Table("financial-plans")
        self._community = community
        self._ledger = ledger
        self._totals = totals
        self._customers = customers
        self.steps = {
            "Subscribe": self._when_allowed(self._subscribe),
            "ChangePlan": self._when_allowed(self._change),
            "CancelPlan": self._when_allowed(self._cancel),
            "AccountClosed": self._cancel,
        }

    def turn_all(self, entry: Entry) -> None:
        """Renew or end all plans whose periods are over."""
        for user in [user for user, plan in self.table.rows.items() if plan["ends_at"] <= entry.at]:
            self._turn(entry, user)

    def _when_allowed(self, step: Callable[[Entry], None]) -> Callable[[Entry], None]:
        """Return a step that a user who may send no command does not take. It follows the turn of an ended period."""

        def allowed(entry: Entry) -> None:
            if not self._customers.may_not(entry.user):
                self._turn(entry, entry.user)
                step(entry)

        return allowed

    def _subscribe(self, entry: Entry) -> None:
        plan, cycle = entry.data["plan"], entry.data.get("cycle", "month")
        if self.table.get(entry.user) or not self._pay(entry, entry.user, price(plan, cycle)):
            return
        row = {
            "plan": plan,
            "cycle": cycle,
            "started_at": entry.at,
            "months": MONTHS[cycle],
            "period_at": entry.at,
            "ends_at": months_later(entry.at, MONTHS[cycle]),
            "next_plan": None,
            "cancelled": False,
        }
        self.table.put(entry.user, row, (entry.id,))

    def _change(self, entry: Entry) -> None:
        plan, target = self.table.get(entry.user), entry.data["plan"]
        if target == FREE:
            self._cancel(entry)
            return
        if plan is None or plan["cancelled"] or plan["plan"] == target:
            return
        difference = price(target, plan["cycle"]) - price(plan["plan"], plan["cycle"])
        if difference < 0:
            self.table.change(entry.user, (entry.id,), next_plan=target)
            return
        due = upgrade_price(difference, entry.at, plan["period_at"], plan["ends_at"])
        if self._pay(entry, entry.user, due):
            self.table.change(entry.user, (entry.id,), plan=target, next_plan=None)

    def _cancel(self, entry: Entry) -> None:
        if self.table.get(entry.user):
            self.table.change(entry.user, (entry.id,), cancelled=True, next_plan=None)

    def _turn(self, entry: Entry, user: str) -> None:
        """Renew or end a plan for each period that is over."""
        causes: Causes = (entry.id,)
        while (plan := self.table.get(user)) is not None and plan["ends_at"] <= entry.at:
            following = plan["next_plan"] or plan["plan"]
            if plan["cancelled"]:
                self.table.delete(user, causes)
            elif not self._pay(entry, user, price(following, plan["cycle"])):
                self.table.delete(user, causes)
                self._tell(entry, user, "plan_failed", plan["plan"])
            else:
                months = plan["months"] + MONTHS[plan["cycle"]]
                self.table.change(
                    user,
                    causes,
                    plan=following,
                    next_plan=None,
                    months=months,
                    period_at=plan["ends_at"],
                    ends_at=months_later(plan["started_at"], months),
                )
                self._tell(entry, user, "plan_renewed", following)

    def _pay(self, entry: Entry, user: str, due: int) -> bool:
        """Pay an amount of 1e-8 USD to the treasury, and count it as revenue. Return whether it was there."""
        amount, causes = due * SMALLEST["USD"], (entry.id,)
        if self._ledger.balance(available(user), "USD") < amount:
            return False
        if amount:
            self._ledger.move("USD", amount, causes, source=available(user), target=TREASURY)
            self._totals.earn("subscriptions", "USD", amount, entry.at, causes)
        return True

    def _tell(self, entry: Entry, user: str, kind: str, plan: str) -> None:
        self._community.user.notify(user, kind, entry.at, (entry.id,), text=kind, arguments={"plan": plan})
