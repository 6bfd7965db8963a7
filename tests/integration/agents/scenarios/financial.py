"""The money of two users: deposits, withdrawals, a plan, grants and a contribution; and fees on the chain."""

from __future__ import annotations

from typing import Any

from streams.events import AnyEvent, EventData
from streams.events.battles import BattleFought
from streams.events.chain import FeesSwept
from streams.events.clock import Ticked
from streams.events.constellations import ContributionRequested
from streams.events.financial import (
    ChangePlan,
    ReportDeposit,
    ReportPayout,
    RequestDeposit,
    ReviewWithdrawal,
    Subscribe,
    Withdraw,
    deposit_key,
)
from streams.events.gamification import RewardClaimed
from streams.events.user import AccountClosed, AccountRegistered, VerificationChanged
from streams.times import Instant
from streams.units import TokenUnits
from tests.integration.agents.scenarios.kit import AT, Run, first

FELT = f"0x{1:064x}"
SWEPT = FeesSwept(
    fact_id="f-1", finality="accepted", chain_id="SN_MAIN", contract=FELT, block_number=1, block_hash=FELT,
    tx_hash=FELT, event_index=0, sequence=1, splitter=FELT, batch=1, amount=TokenUnits(5), surplus=TokenUnits(0),
)  # fmt: skip
BEGUN, RENEWED = Instant.parse("2025-12-20T12:00:00Z"), Instant.parse("2026-01-20T12:00:00Z")


def play(run: Run) -> None:
    """Play the scenario."""
    run(first(AccountRegistered(user_id="rich", role="user", username="rich"), "rich"))
    run(first(VerificationChanged(user_id="rich", tier="identity", before="unverified"), "rich"))
    run(_of(RequestDeposit, asset="USD", amount="20000", provider="bank"))
    deposit = {"user_id": "rich", "asset": "USD", "amount": "20000", "provider": "bank", "reference": "wire-1"}
    run(first(ReportDeposit.of(deposit), deposit_key("bank", "wire-1")))
    run(_of(Withdraw, withdrawal_id="w-1", asset="USD", amount="10001", destination="iban"))
    run(_of(ReviewWithdrawal, user_id="rich", withdrawal_id="w-1", approve=True, moderator="mod"))
    run(_of(ReportPayout, user_id="rich", withdrawal_id="w-1", paid=True, provider="bank", reference="p-1"))
    run(_of(Subscribe, plan="navigator", cycle="month", at=BEGUN))
    run(_of(ChangePlan, plan="captain"))
    run(_of(RewardClaimed, reward_id="r-1", ss=1000))
    run(_of(BattleFought, battle_id="b-1", constellation_id="c-1", won=True, prize_ss=500))
    run(_of(ContributionRequested, contribution_id="k-1", constellation_id="c-1", amount=10))
    run(first(Ticked(), "clock", at=RENEWED))
    run(_of(AccountClosed, user_id="rich"))
    run(first(SWEPT, SWEPT.contract))


def _of(model: type[EventData], at: Instant = AT, **fields: Any) -> AnyEvent:
    return first(model.of(fields), "rich", at)
