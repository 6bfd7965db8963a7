"""The fee of an execution and its split. Amounts in the smallest unit of their asset, 1e-8 for USD. Pure functions."""

from __future__ import annotations

from agents.financial.policy import FinancialPolicy
from streams.assets import unit_of
from streams.events import Event
from streams.events.financial import FeeAccrued
from streams.events.trading import TradeExecuted
from streams.times import Instant
from streams.units import PPM, Usd


def split(amount: int, policy: FinancialPolicy, time: Instant) -> dict[str, Usd]:
    """Return each beneficiary's share of a fee at a time, by the split that counts then. The shares add up.

    A share is rounded down, and the remainder is added to that of `remainder_to`.
    """
    shares = {beneficiary: Usd(amount * ppm // PPM) for beneficiary, ppm in policy.split_at(time).items()}
    rest = amount - sum(shares.values())
    if rest:
        shares[policy.remainder_to] = Usd(shares[policy.remainder_to] + rest)
    return shares


def shares(amount: int, asset: str, policy: FinancialPolicy, time: Instant) -> dict[str, int]:
    """Return each beneficiary's share of a fee in 1e-18 at a time, in whole units of the asset."""
    unit = unit_of(asset)
    return {name: share * unit for name, share in split(amount // unit, policy, time).items()}


def accrued(event: Event[TradeExecuted], policy: FinancialPolicy) -> FeeAccrued | None:
    """Return the fee of a live execution, or None for practice money and for a fee of 0."""
    amount = event.data.fee_usd
    if event.data.mode != "live" or amount == 0:
        return None
    return FeeAccrued(
        source=policy.source,
        asset=policy.asset,
        amount=amount,
        beneficiaries=split(amount, policy, event.time),
        source_event_id=event.id,
    )
