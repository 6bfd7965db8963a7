"""The declaration of the financial domain: its rows, keys and tables, and the topics it consumes and produces."""

from __future__ import annotations

from datetime import date
from typing import Final, Literal

import msgspec

from streams import topics
from streams.assets import Asset
from streams.events.financial import (
    CancelPlan,
    ChangePlan,
    Cycle,
    Plan,
    ReportDeposit,
    ReportPayout,
    RequestDeposit,
    ReviewWithdrawal,
    Subscribe,
    Withdraw,
)
from streams.events.user import Tier
from streams.topology import Domain, TableSpec
from streams.units import Quantity
from tables.deadlines import Deadline
from tables.fee_hours import FeeHour
from tables.keys import SEPARATOR
from tables.row import Amount, Micros, Row, TokenAmount
from tables.watermark import Watermark

ALL_DAYS: Final = "all"
TOTAL: Final = "total"
PAID_PLANS: Final[tuple[Plan, ...]] = ("navigator", "captain", "admiral")
"""The plans that users have a row for. Users without one have the free plan."""
AUDIT_KEY: Final = "latest"
"""The only key of `financial-audits`, in each partition."""

Stream = Literal["trading_fees", "subscriptions", "nft_marketplace"]
ChainKind = Literal["settled", "swept", "surplus", "distributed"]
"""What a contract adds up: settled by source, swept and surplus by splitter, distributed by beneficiary."""
WithdrawalStatus = Literal["review", "approved", "paid", "rejected"]


class FeeTotal(Row, frozen=True, kw_only=True):
    """Fees of one source, asset, day and beneficiary, in this partition; readers sum the partitions.

    `amount` is in 1e-8 USD, or for another asset in its smallest unit.
    """

    amount: Amount = 0
    count: int = 0


class Balance(Row, frozen=True, kw_only=True):
    """What an account has of an asset, in this partition."""

    amount: Quantity = Quantity(0)


class Customer(Row, frozen=True, kw_only=True):
    """What the ledger needs to know of a user: verification tier and its time, suspension, the owner of a sub-account.

    The key is the user.
    """

    tier: Tier = "unverified"
    tier_at: Micros = 0
    suspended: bool = False
    closed: bool = False
    parent_id: str | None = None


class Deposit(Row, frozen=True, kw_only=True):
    """A deposit that counted. The key is its provider and reference."""

    user_id: str
    asset: Asset
    amount: Quantity
    accepted_at: Micros


class Withdrawal(Row, frozen=True, kw_only=True):
    """A withdrawal. `reason` says why it was rejected, `reference` under which reference it was paid out."""

    withdrawal_id: str
    asset: Asset
    amount: Quantity
    destination: str
    status: WithdrawalStatus
    requested_at: Micros
    decided_at: Micros | None = None
    reason: str = ""
    reference: str = ""


class Withdrawals(Row, frozen=True, kw_only=True):
    """A user's open withdrawals, and the latest that ended or were refused, oldest first. The key is the user."""

    open: tuple[Withdrawal, ...] = ()
    ended: tuple[Withdrawal, ...] = ()


class Review(Row, frozen=True, kw_only=True):
    """A withdrawal that waits for a moderator. The key is the user and the withdrawal."""

    asset: Asset
    amount: Quantity
    destination: str
    tier: Tier
    requested_at: Micros


class Subscription(Row, frozen=True, kw_only=True):
    """A user's plan. The key is the user; a user without a row has the plan explorer.

    Attributes:
        started_at: When the plan began. Periods end on its day of the month, or on the last day of a shorter month.
        months: Months from `started_at` to `ends_at`.
        period_at: When the current period began.
        next_plan: The plan from the next period on, after a downgrade.
        cancelled: Whether the plan ends with the current period.
    """

    plan: Plan
    cycle: Cycle
    started_at: Micros
    months: int
    period_at: Micros
    ends_at: Micros
    next_plan: Plan | None = None
    cancelled: bool = False


class PlanUsers(Row, frozen=True, kw_only=True):
    """How many users of this partition have a plan; readers sum the partitions. The key is the plan."""

    users: int = 0


class Reservation(Row, frozen=True, kw_only=True):
    """A buyer's money that is set aside for a token until the token's partition decides. The key is the reservation."""

    buyer: str
    token_id: str
    listing_id: str
    asset: Asset
    amount: Quantity
    expires_at: Micros


DeadlineKind = Literal["plan", "reservation"]
"""The kinds of deadlines: the end of a plan's period, whose subject is the user, and the expiry of a reservation."""


class Revenue(Row, frozen=True, kw_only=True):
    """Revenue of one stream, asset and period, in this partition; readers sum the partitions."""

    amount: Quantity = Quantity(0)
    count: int = 0


class ChainTotal(Row, frozen=True, kw_only=True):
    """What a contract says of fees: an amount that the chain has now, and as much of it as can no longer change.

    Attributes:
        accepted: Accepted facts less retracted ones.
        final: Final facts.
        count: How many facts `accepted` is the sum of.
    """

    accepted: TokenAmount = 0
    final: TokenAmount = 0
    count: int = 0


class Audit(Row, frozen=True, kw_only=True):
    """The last audit of this partition: its time, and how many breaches each rule of `tables.financial_audit` had."""

    at: Micros
    breaches: dict[str, int] = msgspec.field(default_factory=dict)


def fee_key(source: str, asset: str, day: date | None, beneficiary: str) -> str:
    """Return a key of `financial-fees`. Without a day it means all-time. Beneficiary `total` is the whole fee."""
    return SEPARATOR.join((source, asset, day.isoformat() if day else ALL_DAYS, beneficiary))


def chain_key(contract: str, total: ChainKind, name: str) -> str:
    """Return a key of `financial-chain`. The name is a source of settled fees, a beneficiary, or the splitter."""
    return SEPARATOR.join((contract, total, name))


def revenue_key(stream: Stream, asset: str, period: str) -> str:
    """Return a key of `financial-revenue`. A period is a UTC day such as `2024-09-20`, or a month such as `2024-09`."""
    return SEPARATOR.join((stream, asset, period))


def deposit_row_key(provider: str, reference: str) -> str:
    """Return a key of `financial-deposits`."""
    return f"{provider}{SEPARATOR}{reference}"


def review_key(user_id: str, withdrawal_id: str) -> str:
    """Return a key of `financial-reviews`."""
    return f"{user_id}{SEPARATOR}{withdrawal_id}"


_COMMANDS = topics.FINANCIAL_COMMANDS
_NFT = topics.NFT_EVENTS
_SOURCES = (
    _COMMANDS,
    topics.TRADING_EVENTS,
    topics.GAMIFICATION_EVENTS,
    topics.SOCIAL_EVENTS,
    _NFT,
    topics.USER_EVENTS,
    topics.CLOCK,
    topics.FINANCIAL_EVENTS,
    topics.CHAIN_EVENTS,
)
_POSTING = tuple(source for source in _SOURCES if source not in {topics.USER_EVENTS, topics.CHAIN_EVENTS})
_PLANS = (_COMMANDS, topics.CLOCK)

FINANCIAL_PROCESSED: Final[TableSpec[Row]] = TableSpec("financial-processed", None, _SOURCES, only_at_least_once=True)
FINANCIAL_FEES: Final = TableSpec("financial-fees", FeeTotal, (topics.TRADING_EVENTS, _NFT))
FINANCIAL_WATERMARK: Final = TableSpec("financial-watermark", Watermark, (topics.TRADING_EVENTS, _NFT))
FINANCIAL_FEE_HOURS: Final = TableSpec("financial-fee-hours", FeeHour, (topics.TRADING_EVENTS, _NFT))
FINANCIAL_REVENUE: Final = TableSpec("financial-revenue", Revenue, (topics.TRADING_EVENTS, _NFT, *_PLANS))
FINANCIAL_CHAIN: Final = TableSpec("financial-chain", ChainTotal, (topics.CHAIN_EVENTS,))
FINANCIAL_LEDGER: Final = TableSpec("financial-ledger", Balance, _POSTING, handovers=1)
FINANCIAL_CUSTOMERS: Final = TableSpec("financial-customers", Customer, (topics.USER_EVENTS,))
FINANCIAL_DEPOSITS: Final = TableSpec("financial-deposits", Deposit, (_COMMANDS,))
FINANCIAL_WITHDRAWALS: Final = TableSpec("financial-withdrawals", Withdrawals, (_COMMANDS,))
FINANCIAL_REVIEWS: Final = TableSpec("financial-reviews", Review, (_COMMANDS,))
FINANCIAL_PLANS: Final = TableSpec("financial-plans", Subscription, (*_PLANS, topics.USER_EVENTS))
FINANCIAL_PLAN_USERS: Final = TableSpec("financial-plan-users", PlanUsers, _PLANS)
FINANCIAL_RESERVATIONS: Final = TableSpec("financial-reservations", Reservation, (_NFT,))
FINANCIAL_DEADLINES: Final = TableSpec("financial-deadlines", Deadline, (*_PLANS, _NFT))
FINANCIAL_AUDITS: Final = TableSpec("financial-audits", Audit, (topics.CLOCK,))

DOMAIN: Final = Domain(
    name="financial",
    consumes=_SOURCES,
    produces={
        topics.FINANCIAL_FEES: (topics.TRADING_EVENTS, _NFT),
        topics.FINANCIAL_EVENTS: tuple(
            source for source in _SOURCES if source not in {topics.TRADING_EVENTS, topics.CHAIN_EVENTS}
        ),
        topics.NOTIFICATIONS: _PLANS,
    },
    commands=(
        RequestDeposit,
        ReportDeposit,
        Withdraw,
        ReviewWithdrawal,
        ReportPayout,
        Subscribe,
        ChangePlan,
        CancelPlan,
    ),
    tables=(
        FINANCIAL_PROCESSED,
        FINANCIAL_FEES,
        FINANCIAL_REVENUE,
        FINANCIAL_CHAIN,
        FINANCIAL_LEDGER,
        FINANCIAL_CUSTOMERS,
        FINANCIAL_DEPOSITS,
        FINANCIAL_WITHDRAWALS,
        FINANCIAL_REVIEWS,
        FINANCIAL_PLANS,
        FINANCIAL_PLAN_USERS,
        FINANCIAL_RESERVATIONS,
        FINANCIAL_DEADLINES,
        FINANCIAL_AUDITS,
        FINANCIAL_WATERMARK,
        FINANCIAL_FEE_HOURS,
    ),
    unhurried=frozenset({topics.GAMIFICATION_EVENTS}),
)
