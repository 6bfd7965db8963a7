"""Fees: what accrues from an execution, and how it is split. Amounts in 1e-8 USD."""

from __future__ import annotations

from agents.financial.policy import FinancialPolicy
from streams.events import Event
from streams.events.financial import FeeAccrued
from streams.events.trading import TradeExecuted
from streams.units import PPM, Usd


def split(amount: int, policy: FinancialPolicy) -> dict[str, int]:
    """Each beneficiary's share, rounded down, and the remainder to the one named for it: they sum to the amount."""
    shares = {beneficiary: amount * ppm // PPM for beneficiary, ppm in policy.split_ppm.items()}
    shares[policy.remainder_to] += amount - sum(shares.values())
    return shares


def accrued(event: Event[TradeExecuted], policy: FinancialPolicy) -> FeeAccrued | None:
    """The fee of a live execution; None for practice money and for a fee of 0."""
    amount = event.data.fee_usd
    if event.data.mode != "live" or amount == 0:
        return None
    return FeeAccrued(
        source=policy.source,
        asset=policy.asset,
        amount=amount,
        beneficiaries={name: Usd(share) for name, share in split(amount, policy).items()},
        source_event_id=event.id,
    )
