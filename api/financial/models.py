"""Bodies of the commands of the financial domain."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo

from streams.assets import MoneyAsset, whole
from streams.events.base import Name, UserId
from streams.events.financial import Amount, Cycle, Destination
from streams.units import Quantity

BATCH_MAX = 1_000


def _in_units(amount: Quantity, info: ValidationInfo) -> Quantity:
    """Refuse more decimals than the asset has. The asset comes before the amount in each model."""
    asset = info.data.get("asset")
    return amount if asset is None else whole(asset, amount)


AssetAmount = Annotated[
    Amount,
    AfterValidator(_in_units),
    Field(description="an amount above 0; USD has at most 8 decimals", examples=["1500.00"]),
]


class _Body(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class DepositAnnouncement(_Body):
    """Announce a deposit. Only the provider's report moves money."""

    asset: MoneyAsset
    amount: AssetAmount
    provider: Name


class DepositReport(_Body):
    """Money that arrived for a user. A reference of the calling service counts once."""

    user_id: UserId
    asset: MoneyAsset
    amount: AssetAmount
    reference: Name


class DepositBatch(BaseModel):
    """Up to 1,000 deposits: all are accepted, or none."""

    model_config = ConfigDict(extra="forbid")

    deposits: Annotated[list[DepositReport], Field(min_length=1, max_length=BATCH_MAX)]


class WithdrawalOrder(_Body):
    """Ask for money to be paid out."""

    asset: MoneyAsset
    amount: AssetAmount
    destination: Annotated[Destination, Field(description="where to pay it out, as the payout service names it")]


class ReviewDecision(_Body):
    """The decision about a withdrawal that waits for review."""

    approve: Annotated[bool, Field(strict=True)]


class PayoutReport(_Body):
    """A withdrawal that was paid out, or whose payout failed for good."""

    user_id: UserId
    withdrawal_id: Name
    paid: Annotated[bool, Field(strict=True)]
    reference: Name


class PayoutBatch(BaseModel):
    """Up to 1,000 payouts: all are accepted, or none."""

    model_config = ConfigDict(extra="forbid")

    payouts: Annotated[list[PayoutReport], Field(min_length=1, max_length=BATCH_MAX)]


class PlanOrder(_Body):
    """Begin a plan."""

    plan: Literal["navigator", "captain", "admiral"]
    cycle: Cycle = "month"


class PlanChange(_Body):
    """Change to another plan. `explorer` is the free plan."""

    plan: Literal["explorer", "navigator", "captain", "admiral"]
