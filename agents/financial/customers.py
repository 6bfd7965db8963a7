"""What the ledger needs to know of users, from the events of their accounts; and who may move money."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from agents.financial.policy import WithdrawalPolicy
from streams.events import AnyEvent, Event, EventData
from streams.events.financial import FinancialCommandRejected
from streams.events.user import (
    TIERS,
    AccountClosed,
    AccountRegistered,
    AccountReinstated,
    AccountSuspended,
    EmailVerified,
    VerificationChanged,
)
from streams.times import DAY_US
from tables.financial import FINANCIAL_CUSTOMERS, Customer
from tables.unit_of_work import UnitOfWork


class Customers:
    """The users of a partition."""

    EVENTS: tuple[type[EventData], ...] = (
        AccountRegistered,
        AccountSuspended,
        AccountReinstated,
        AccountClosed,
        EmailVerified,
        VerificationChanged,
    )

    def __init__(self, tables: UnitOfWork) -> None:
        self.rows = tables.rows(FINANCIAL_CUSTOMERS)

    def of(self, user_id: str) -> Customer:
        """Return a user. One of whom no event came yet is unverified."""
        return self.rows.get(user_id) or Customer()

    def fold(self, event: Event[Any]) -> list[AnyEvent]:
        """Apply an event of an account."""
        user_id = event.partitionkey
        self.rows.put(user_id, changed(self.of(user_id), event.data, int(event.time)))
        return []


def changed(customer: Customer, data: EventData, time: int) -> Customer:
    """Return a user after an event of the account."""
    match data:
        case AccountRegistered():
            return replace(customer, parent_id=data.parent_id)
        case AccountSuspended() | AccountReinstated():
            return replace(customer, suspended=isinstance(data, AccountSuspended))
        case AccountClosed():
            return replace(customer, closed=True)
        case VerificationChanged():
            return replace(customer, tier=data.tier, tier_at=time)
        case EmailVerified() if customer.tier == "unverified":
            return replace(customer, tier="email", tier_at=time)
    return customer


def refused(customer: Customer) -> str | None:
    """Return why a user may send no command; None when the user may."""
    if customer.closed:
        return "account_closed"
    return "account_suspended" if customer.suspended else None


def unverified(customer: Customer, policy: WithdrawalPolicy, now: int) -> str | None:
    """Return why a user's verification does not allow a large withdrawal; None when it does."""
    if TIERS.index(customer.tier) < TIERS.index(policy.verified_tier):
        return "verification_required"
    return "verification_too_old" if now - customer.tier_at > policy.verification_days_max * DAY_US else None


def rejected(event: AnyEvent, reason: str, subject_id: str = "") -> list[AnyEvent]:
    """Return the event that says that a command changed nothing."""
    command = type(event.data).__name__
    return [event.then(FinancialCommandRejected(command=command, reason=reason, subject_id=subject_id))]
