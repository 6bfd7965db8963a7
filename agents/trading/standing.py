"""What account events change in trading: suspension, its end, and the verification tier. Pure functions."""

from __future__ import annotations

from msgspec.structs import replace

from streams.events import AnyEvent
from streams.events.trading import TradingResumed, TradingSuspended
from streams.events.user import (
    TIERS,
    AccountClosed,
    AccountReinstated,
    AccountSuspended,
    EmailVerified,
    Tier,
    VerificationChanged,
)
from tables.trading import Account

EVENTS = (AccountSuspended, AccountClosed, AccountReinstated, VerificationChanged, EmailVerified)


def reaches(tier: Tier, needed: Tier) -> bool:
    """Return whether a verification tier is the needed one or higher."""
    return TIERS.index(tier) >= TIERS.index(needed)


def judged(account: Account, event: AnyEvent) -> tuple[Account, list[AnyEvent]]:
    """Return a practice account after an account event, and what follows for trading."""
    data = event.data
    match data:
        case VerificationChanged():
            return replace(account, tier=data.tier), []
        case EmailVerified():
            return (account if reaches(account.tier, "email") else replace(account, tier="email")), []
        case AccountReinstated() if account.suspended:
            return replace(account, suspended=False), [event.then(TradingResumed())]
        case AccountSuspended() | AccountClosed() if not account.suspended:
            reason = "account_suspended" if isinstance(data, AccountSuspended) else "account_closed"
            return replace(account, suspended=True), [event.then(TradingSuspended(reason=reason))]
    return account, []
