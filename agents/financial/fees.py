"""Fees: what accrues from an execution, and how it is split. Amounts in 1e-8 USD."""

from __future__ import annotations

from agents.rulebook import FeeRules
from streams.events import Event
from streams.events.financial import FeeAccrued
from streams.events.trading import TradeExecuted
from streams.units import PPM, Usd


def split(amount: int, rules: FeeRules) -> dict[str, int]:
    """Each beneficiary's share, rounded down, and the remainder to the one named for it: they sum to the amount."""
    shares = {beneficiary: amount * ppm // PPM for beneficiary, ppm in rules.split_ppm.items()}
    shares[rules.remainder_to] += amount - sum(shares.values())
    return shares


def accrued(event: Event[TradeExecuted], rules: FeeRules) -> FeeAccrued | None:
    """The fee of a live execution; None for practice money and for a fee of 0."""
    amount = event.data.fee_usd
    if event.data.mode != "live" or amount == 0:
        return None
    return FeeAccrued(
        source=rules.source,
        asset=rules.asset,
        amount=amount,
        beneficiaries={name: Usd(share) for name, share in split(amount, rules).items()},
        source_event_id=event.id,
    )
