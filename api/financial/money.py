"""What happens to a user's money: the feed of the caller's financial events."""

from __future__ import annotations

from typing import Final

from api.kit.own_events import OwnEvents
from streams.events import financial as money

_EVENTS: Final = (
    money.LedgerPosted,
    money.FinancialCommandRejected,
    money.DepositRequested,
    money.FundsDeposited,
    money.WithdrawalRequested,
    money.WithdrawalApproved,
    money.WithdrawalCompleted,
    money.WithdrawalRejected,
    money.SubscriptionStarted,
    money.SubscriptionRenewed,
    money.SubscriptionUpgraded,
    money.SubscriptionDowngraded,
    money.SubscriptionCancelled,
    money.SubscriptionEnded,
    money.ReservationRefused,
    money.ContributionPaid,
    money.ContributionRefused,
)
MONEY: Final = OwnEvents(
    "money",
    _EVENTS,
    title="What happens to your money",
    doc="Follow the caller's ledger entries, withdrawals, plan and rejections, each once, with all their data.",
)
