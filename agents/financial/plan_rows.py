"""The plans of a partition's users, and how many users have each plan.

The numbers are a running total. A partition without them counts its plans: the plans may be older than this table. It
counts them anew with each audit, because a worker of an older version changes plans and not the numbers.
"""

from __future__ import annotations

from collections import Counter

from streams.events.financial import Plan
from tables.financial import FINANCIAL_PLAN_USERS, FINANCIAL_PLANS, PAID_PLANS, PlanUsers, Subscription
from tables.unit_of_work import UnitOfWork


class PlanRows:
    """The plans of a partition by user. Each change keeps the numbers of users right."""

    def __init__(self, tables: UnitOfWork) -> None:
        self._plans = tables.rows(FINANCIAL_PLANS)
        self._users = tables.rows(FINANCIAL_PLAN_USERS)

    def get(self, user_id: str) -> Subscription | None:
        """Return a user's plan; None for the free one."""
        return self._plans.get(user_id)

    def put(self, user_id: str, row: Subscription) -> None:
        """Set a user's plan."""
        self._move(user_id, row.plan)
        self._plans.put(user_id, row)

    def delete(self, user_id: str) -> None:
        """Give a user the free plan."""
        self._move(user_id, None)
        self._plans.delete(user_id)

    def count(self, *, anew: bool = False) -> None:
        """Count the users of each plan, if the partition has not done so yet, or `anew`."""
        if not anew and self._users.get(PAID_PLANS[0]) is not None:
            return
        found = Counter(row.plan for _, row in self._plans.prefix(""))
        for plan in PAID_PLANS:
            row = PlanUsers(users=found[plan])
            if self._users.get(plan) != row:
                self._users.put(plan, row)

    def _move(self, user_id: str, plan: Plan | None) -> None:
        before = self._plans.get(user_id)
        if plan == (before and before.plan):
            return
        self.count()
        if before is not None:
            self._add(before.plan, -1)
        if plan is not None:
            self._add(plan, 1)

    def _add(self, plan: Plan, change: int) -> None:
        row = self._users.get(plan) or PlanUsers()
        self._users.put(plan, PlanUsers(users=row.users + change))
