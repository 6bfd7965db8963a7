"""The numbers of the financial domain: shares of a fee, limits of withdrawals, prices of plans, times."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from agents.policy import Policy, Positive, Ppm
from streams.assets import MoneyAsset
from streams.events.base import Name
from streams.events.financial import Amount, Cycle, Plan
from streams.events.trading import PositiveUsd
from streams.events.user import Tier
from streams.times import HOUR_US, SECOND_US, Instant
from streams.units import PPM
from tables.financial import TOTAL

PaidPlan = Literal["navigator", "captain", "admiral"]
Split = Annotated[dict[Name, Ppm], Field(min_length=1)]
"""The share of each beneficiary in a fee."""


class WithdrawalPolicy(Policy):
    """What a withdrawal needs. An amount above a limit needs it, an amount that equals the limit does not.

    Attributes:
        verified_above: The amount of each asset above which the user needs a recent verification.
        review_above: The amount of each asset above which a moderator decides.
        verified_tier: The lowest tier that counts as verified.
        open_max: Withdrawals of a user that may be open at once.
        ended_kept: Ended withdrawals of a user that stay readable.
    """

    verified_above: dict[MoneyAsset, Amount]
    review_above: dict[MoneyAsset, Amount]
    verified_tier: Tier
    verification_days_max: Positive
    open_max: Positive
    ended_kept: Positive

    @model_validator(mode="after")
    def _every_asset_has_limits(self) -> Self:
        for name, limits in (("verified_above", self.verified_above), ("review_above", self.review_above)):
            if limits.keys() != {"USD", "STRK"}:
                raise ValueError(f"expected a limit for USD and STRK in {name}, got {sorted(limits)}")
        return self


class PlanPolicy(Policy):
    """Prices of plans. A longer cycle costs the price of fewer months than it lasts.

    Attributes:
        month_usd: The price of a month. Plans are ordered by it.
        months_charged: How many months a cycle costs.
    """

    month_usd: dict[PaidPlan, PositiveUsd]
    months_charged: dict[Cycle, Positive]

    @model_validator(mode="after")
    def _plans_are_ordered(self) -> Self:
        prices = [self.month_usd.get(plan) for plan in ("navigator", "captain", "admiral")]
        known = [price for price in prices if price is not None]
        if len(known) < len(prices) or sorted(set(known)) != known:
            raise ValueError(f"expected rising prices of navigator, captain and admiral, got {len(known)} prices")
        if self.months_charged.keys() != {"month", "quarter", "year"}:
            raise ValueError(f"expected month, quarter and year in months_charged, got {sorted(self.months_charged)}")
        return self

    def price(self, plan: Plan, cycle: Cycle) -> int:
        """Return the price of a period in 1e-8 USD."""
        return 0 if plan == "explorer" else self.month_usd[plan] * self.months_charged[cycle]


class PurchasePolicy(Policy):
    """After how long an unanswered reservation asks for its decision, each time, and the source name of sale fees."""

    reserved_s: Positive
    source: Name

    @property
    def reserved_us(self) -> int:
        """Return how long a reservation stands, in microseconds."""
        return self.reserved_s * SECOND_US


class SplitChange(Policy):
    """A change of the split of fees, which was announced at a time."""

    announced_at: Instant
    split_ppm: Split


class FinancialPolicy(Policy):
    """The split of a fee, and the parts of the domain. Shares are rounded down; `remainder_to` gets the remainder.

    Attributes:
        split_ppm: The split before the first change.
        split_notice_h: Hours from the announcement of a change until it counts.
        split_changes: The announced changes, in the order of their announcements.
    """

    source: Name
    asset: Literal["USD"]
    remainder_to: Name
    split_ppm: Split
    split_notice_h: Positive
    split_changes: tuple[SplitChange, ...]
    withdrawals: WithdrawalPolicy
    plans: PlanPolicy
    purchases: PurchasePolicy
    audit_every_s: Positive

    def split_at(self, time: Instant) -> dict[str, int]:
        """Return the split of fees that counts at a time."""
        if not self.split_changes:
            return self.split_ppm
        notice = self.split_notice_h * HOUR_US
        due = [change.split_ppm for change in self.split_changes if change.announced_at + notice <= time]
        return due[-1] if due else self.split_ppm

    @model_validator(mode="after")
    def _splits_are_whole(self) -> Self:
        for split in (self.split_ppm, *(change.split_ppm for change in self.split_changes)):
            whole = sum(split.values())
            if whole != PPM:
                raise ValueError(f"expected shares in split_ppm that sum to {PPM}, got {whole}")
            if TOTAL in split:
                raise ValueError(f"expected no beneficiary {TOTAL!r} in split_ppm: that names the whole fee")
            if self.remainder_to not in split:
                raise ValueError(f"expected a beneficiary of split_ppm in remainder_to, got {self.remainder_to!r}")
        return self

    @model_validator(mode="after")
    def _changes_in_order(self) -> Self:
        times = [change.announced_at for change in self.split_changes]
        if sorted(set(times)) != times:
            raise ValueError(f"expected split_changes in the order of announced_at, got {len(times)} changes")
        return self
