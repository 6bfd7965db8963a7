"""Commands and events of the financial domain: fees, the ledger, deposits and withdrawals, plans, purchases.

The key is the user whose account moves, unless a class says otherwise. Amounts are decimal text in whole units of their
asset: ``"1500.00"`` USD, ``"25"`` SS.

Fees have a topic of their own, because there is one for nearly every fill, and no domain consumes them.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, StringConstraints

from streams import topics
from streams.assets import Asset, MoneyAsset
from streams.events.base import Command, EventData, Name, UserId
from streams.times import Instant
from streams.units import Quantity, Usd, price_or_size

Plan = Literal["explorer", "navigator", "captain", "admiral"]
Cycle = Literal["month", "quarter", "year"]
Amount = Annotated[Quantity, AfterValidator(price_or_size)]
"""A positive amount of an asset."""
Destination = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$")]


def deposit_key(provider: str, reference: str) -> str:
    """Return the key of the reports of a provider's reference."""
    return f"deposit:{provider}:{reference}"


# --- commands ---------------------------------------------------------------------------------------------------------


class RequestDeposit(Command, frozen=True, kw_only=True):
    """A user announces a deposit. Only a service's report moves money."""

    domain: ClassVar[str] = "financial"

    asset: MoneyAsset
    amount: Amount
    provider: Name


class ReportDeposit(Command, frozen=True, kw_only=True):
    """A service reports money that arrived for a user. A provider's reference counts once.

    The key is the reference (`deposit_key`), so that one partition sees every report of it.
    """

    domain: ClassVar[str] = "financial"

    user_id: UserId
    asset: MoneyAsset
    amount: Amount
    provider: Name
    reference: Name


class Withdraw(Command, frozen=True, kw_only=True):
    """A user asks for money to be paid out."""

    domain: ClassVar[str] = "financial"

    withdrawal_id: str
    asset: MoneyAsset
    amount: Amount
    destination: Destination


class ReviewWithdrawal(Command, frozen=True, kw_only=True):
    """A moderator decides about a withdrawal that waits for review."""

    domain: ClassVar[str] = "financial"

    user_id: UserId
    withdrawal_id: str
    approve: bool
    moderator: UserId


class ReportPayout(Command, frozen=True, kw_only=True):
    """A service reports that a withdrawal was paid out, or that the payout failed for good."""

    domain: ClassVar[str] = "financial"

    user_id: UserId
    withdrawal_id: str
    paid: bool
    provider: Name
    reference: Name


class Subscribe(Command, frozen=True, kw_only=True):
    """Begin a plan."""

    domain: ClassVar[str] = "financial"

    plan: Literal["navigator", "captain", "admiral"]
    cycle: Cycle


class ChangePlan(Command, frozen=True, kw_only=True):
    """Change to another plan: an upgrade at once, a downgrade at the end of the period."""

    domain: ClassVar[str] = "financial"

    plan: Plan


class CancelPlan(Command, frozen=True, kw_only=True):
    """End the plan at the end of its period."""

    domain: ClassVar[str] = "financial"


# --- fees -------------------------------------------------------------------------------------------------------------


class FeeAccrued(EventData, frozen=True, kw_only=True):
    """A fee in USD came due. The amounts of the beneficiaries add up to the fee exactly.

    The event is the record of its ledger entry: from the venue's account to that of the source's fees.
    """

    domain: ClassVar[str] = "financial"
    topic: ClassVar[str] = topics.FINANCIAL_FEES

    source: Name
    asset: Name
    amount: Usd
    beneficiaries: dict[Name, Usd]
    source_event_id: str


class SaleFeeAccrued(EventData, frozen=True, kw_only=True):
    """The platform's fee of a sale came due, in the asset of the sale. The beneficiaries' amounts add up to it."""

    domain: ClassVar[str] = "financial"
    topic: ClassVar[str] = topics.FINANCIAL_FEES

    source: Name
    asset: Asset
    amount: Amount
    beneficiaries: dict[Name, Quantity]
    source_event_id: str


# --- ledger -----------------------------------------------------------------------------------------------------------


class LedgerPosted(EventData, frozen=True, kw_only=True):
    """A balanced entry: the changes of accounts, in one asset, sum to 0."""

    domain: ClassVar[str] = "financial"

    entry_id: str
    reason: Name
    asset: Asset
    changes: dict[str, Quantity]


class FinancialCommandRejected(EventData, frozen=True, kw_only=True):
    """A financial command changed nothing. `command` is its class; `subject_id` is what it named."""

    domain: ClassVar[str] = "financial"

    command: Name
    reason: Name
    subject_id: str = ""


class DepositRequested(EventData, frozen=True, kw_only=True):
    """A user announced a deposit."""

    domain: ClassVar[str] = "financial"

    asset: Asset
    amount: Amount
    provider: Name


class DepositAccepted(EventData, frozen=True, kw_only=True):
    """A reference counted, and its money is on the way to the user's partition. The key is the user."""

    domain: ClassVar[str] = "financial"

    asset: MoneyAsset
    amount: Amount
    provider: Name
    reference: Name


class FundsDeposited(EventData, frozen=True, kw_only=True):
    """Money arrived for a user."""

    domain: ClassVar[str] = "financial"

    asset: Asset
    amount: Amount
    provider: Name
    reference: Name


class WithdrawalRequested(EventData, frozen=True, kw_only=True):
    """Money is reserved for a withdrawal. With `review` it waits for a moderator."""

    domain: ClassVar[str] = "financial"

    withdrawal_id: str
    asset: Asset
    amount: Amount
    destination: Destination
    review: bool


class WithdrawalApproved(EventData, frozen=True, kw_only=True):
    """A withdrawal may be paid out now."""

    domain: ClassVar[str] = "financial"

    withdrawal_id: str
    moderator: UserId | None = None


class WithdrawalCompleted(EventData, frozen=True, kw_only=True):
    """A withdrawal was paid out."""

    domain: ClassVar[str] = "financial"

    withdrawal_id: str
    asset: Asset
    amount: Amount
    reference: Name


class WithdrawalRejected(EventData, frozen=True, kw_only=True):
    """A withdrawal ended unpaid. Reserved money is available again."""

    domain: ClassVar[str] = "financial"

    withdrawal_id: str
    reason: Name


# --- plans ------------------------------------------------------------------------------------------------------------


class SubscriptionStarted(EventData, frozen=True, kw_only=True):
    """A plan began, and its first period was paid."""

    domain: ClassVar[str] = "financial"

    plan: Plan
    cycle: Cycle
    paid_usd: Usd
    ends_at: Instant


class SubscriptionRenewed(SubscriptionStarted, frozen=True, kw_only=True):
    """A further period was paid."""


class SubscriptionUpgraded(EventData, frozen=True, kw_only=True):
    """A higher plan holds at once. The difference for the rest of the period was paid."""

    domain: ClassVar[str] = "financial"

    plan: Plan
    before: Plan
    paid_usd: Usd
    ends_at: Instant


class SubscriptionDowngraded(EventData, frozen=True, kw_only=True):
    """A lower plan will hold from the end of the period."""

    domain: ClassVar[str] = "financial"

    plan: Plan
    before: Plan
    holds_from: Instant


class SubscriptionCancelled(EventData, frozen=True, kw_only=True):
    """A plan will not be renewed. It holds to the end of its period."""

    domain: ClassVar[str] = "financial"

    plan: Plan
    ends_at: Instant


class SubscriptionEnded(EventData, frozen=True, kw_only=True):
    """A plan ended. The user has the free plan from now on."""

    domain: ClassVar[str] = "financial"

    plan: Plan
    reason: Literal["cancelled", "payment_failed"]


class RevenueRecorded(EventData, frozen=True, kw_only=True):
    """The platform earned an amount from a stream of revenue."""

    domain: ClassVar[str] = "financial"

    stream: Literal["trading_fees", "subscriptions", "nft_marketplace"]
    asset: Asset
    amount: Amount
    source_event_id: str


# --- steps between keys -----------------------------------------------------------------------------------------------


class FundsReserved(EventData, frozen=True, kw_only=True):
    """A buyer's money is reserved for a token. The key is the token, whose partition decides."""

    domain: ClassVar[str] = "financial"

    reservation_id: str
    buyer: UserId
    listing_id: str
    asset: Asset
    amount: Amount


class ReservationRefused(EventData, frozen=True, kw_only=True):
    """A buyer's money could not be reserved. The key is the buyer."""

    domain: ClassVar[str] = "financial"

    reservation_id: str
    reason: Name


class ReservationExpired(EventData, frozen=True, kw_only=True):
    """A reservation stood too long undecided. The key is the token, whose partition cancels it unless it has sold."""

    domain: ClassVar[str] = "financial"

    reservation_id: str
    buyer: UserId
    listing_id: str


class ProceedsDue(EventData, frozen=True, kw_only=True):
    """A sale owes its seller an amount. The key is the seller."""

    domain: ClassVar[str] = "financial"

    entry_id: str
    asset: Asset
    amount: Amount
    token_id: Name


class ContributionPaid(EventData, frozen=True, kw_only=True):
    """A member's stellar shards went to the constellation."""

    domain: ClassVar[str] = "financial"

    contribution_id: str
    constellation_id: Name
    amount: int


class ContributionRefused(EventData, frozen=True, kw_only=True):
    """A member has not the stellar shards for a contribution."""

    domain: ClassVar[str] = "financial"

    contribution_id: str
    constellation_id: Name
    reason: Name
