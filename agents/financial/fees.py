"""The fee of an execution and its split. Amounts in 1e-8 USD. Pure functions."""

from __future__ import annotations

from agents.financial.policy import FinancialPolicy
from streams.events import Event
from streams.events.financial import FeeAccrued
from streams.events.trading import TradeExecuted
from streams.units import PPM, Usd


def split(amount: int, policy: FinancialPolicy) -> dict[str, Usd]:
    """Return each beneficiary's share, rounded down, with the remainder added to `remainder_to`. The shares add up."""
    shares = {beneficiary: Usd(amount * ppm // PPM) for beneficiary, ppm in policy.split_ppm.items()}
    rest = amount - sum(shares.values())
    if rest:
        shares[policy.remainder_to] = Usd(shares[policy.remainder_to] + rest)
    return shares


def accrued(event: Event[TradeExecuted], policy: FinancialPolicy) -> FeeAccrued | None:
    """Return the fee of a live execution, or None for practice money and for a fee of 0."""
    amount = event.data.fee_usd
    if event.data.mode != "live" or amount == 0:
        return None
    return FeeAccrued(
        source=policy.source,
        asset=policy.asset,
        amount=amount,
        beneficiaries=split(amount, policy),
        source_event_id=event.id,
    )
