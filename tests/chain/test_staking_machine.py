"""Random stakes, exits, claims, rewards and pauses at random times, against the reference."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule

from tests.chain.budget import Machine, run, steps_of_each
from tests.chain.deployed import Chain, Receipt
from tests.chain.fees import Fees
from tests.chain.reference_staking import EXIT_S, STREAM_S, Exit, StakingModel
from tests.chain.staking import WEALTH, Staking
from tests.chain.transactions import RevertedError

WHO = st.integers(0, 2)
STAKES = st.one_of(st.integers(0, 12), st.integers(1, 10**9), st.integers(10**18, WEALTH))
REWARDS = st.one_of(st.integers(1, 12), st.integers(1, 10**9), st.integers(10**12, 10**24))
SECONDS = st.one_of(
    st.integers(1, 100), st.integers(1, STREAM_S), st.sampled_from([STREAM_S, EXIT_S - 1, 3 * STREAM_S])
)
PAUSED, NOTHING, TOO_EARLY = "Pausable: paused", "StakingManager: nothing ", "StakingManager: too early"


class StakingMachine(Machine):
    staking: ClassVar[Staking]
    height: ClassVar[int]
    began: ClassVar[int]

    @initialize(reward=st.one_of(st.just(0), REWARDS), idle_s=SECONDS, stakes=st.tuples(STAKES, STAKES, STAKES))
    def start(self, reward: int, idle_s: int, stakes: tuple[int, int, int]) -> None:
        """Begin with nothing, or with a stream that nobody earned from for a while, and with some stakes."""
        node = self.staking.fees.chain.node
        node.abort_to(self.height)
        node.stop_clock(self.began)
        self.model = StakingModel(self.staking.now())
        self.wealth = [WEALTH] * 3
        self.given = 0
        self.paused = False
        self.index = 0
        if reward:
            self.arrive(reward)
            self.collect()
            self.wait(idle_s)
        for who, amount in enumerate(stakes):
            if amount:
                self.stake(who, amount)

    @rule(who=WHO, amount=STAKES)
    def stake(self, who: int, amount: int) -> None:
        receipt = self.attempt("stake", amount, by=who)
        if self.paused:
            refused(receipt, PAUSED)
        elif not 0 < amount <= self.wealth[who]:
            refused(receipt, "insufficient balance" if amount else "amount is zero")
        else:
            assert isinstance(receipt, Receipt)
            self.model.stake(who, amount, self.staking.updated_at())
            self.wealth[who] -= amount
            assert receipt.one("Staked")["staked"] == self.model.stakes[who]

    @precondition(lambda self: self.model.total_staked)
    @rule(who=WHO, amount=STAKES, everything=st.booleans())
    def unstake(self, who: int, amount: int, everything: bool) -> None:
        staked = self.model.stakes[who]
        amount = staked if everything else amount
        receipt = self.attempt("unstake", amount, by=who)
        if not 0 < amount <= staked:
            refused(receipt, "not staked" if amount else "amount is zero")
            return
        assert isinstance(receipt, Receipt)
        self.model.unstake(who, amount, self.staking.updated_at())
        left = receipt.one("ExitStarted")
        assert Exit(left["exiting"], left["ready_at"]) == self.model.exits[who]

    @precondition(lambda self: self.model.exits)
    @rule(who=WHO)
    def withdraw(self, who: int) -> None:
        receipt = self.attempt("withdraw", by=who)
        leaving = self.model.exits.get(who)
        if leaving is None:
            refused(receipt, NOTHING)
        elif isinstance(receipt, str):
            refused(receipt, TOO_EARLY)
            assert self.staking.now() <= leaving.ready_at
        else:
            assert self.staking.now() >= leaving.ready_at
            amount = receipt.one("Withdrawn")["amount"]
            assert amount == self.model.withdraw(who)
            self.wealth[who] += amount

    @precondition(lambda self: self.model.funded)
    @rule(who=WHO)
    def claim(self, who: int) -> None:
        receipt = self.attempt("claim", by=who)
        amount = receipt.one("RewardsClaimed")["amount"] if isinstance(receipt, Receipt) else 0
        if not amount:
            refused(receipt, NOTHING)
        now = self.staking.updated_at() if amount else max(self.model.at, self.staking.now() - 1)
        assert self.model.may_claim(who, amount, now)
        if amount:
            self.model.claim(who, amount, now)

    @rule(amount=REWARDS)
    def arrive(self, amount: int) -> None:
        self.count()
        self.staking.arrive(amount)
        self.model.arrived += amount

    @precondition(lambda self: self.model.arrived or self.model.waiting)
    @rule()
    def collect(self) -> None:
        receipt = self.attempt("collect", by=0)
        if self.paused or not self.model.arrived:
            refused(receipt, PAUSED if self.paused else NOTHING)
            return
        assert isinstance(receipt, Receipt)
        assert receipt.one("RewardsCollected")["amount"] == self.model.collect(self.staking.updated_at())

    @rule(amount=STAKES)
    def give_stake_tokens(self, amount: int) -> None:
        """Send tokens that nobody staked, which must stay nobody's."""
        self.count()
        self.staking.astra.invoke("mint", self.staking.manager.address, amount)
        self.given += amount

    @rule(seconds=SECONDS)
    def wait(self, seconds: int) -> None:
        self.count()
        self.staking.wait(seconds)

    @rule(often=st.sampled_from([True, False, False]))
    def pause_or_resume(self, often: bool) -> None:
        """Resume soon after a pause, because little happens meanwhile."""
        if not self.paused and not often:
            return
        self.count()
        self.staking.manager.invoke("unpause" if self.paused else "pause")
        self.paused = not self.paused

    @invariant()
    def stakes_and_rewards_are_held(self) -> None:
        if not hasattr(self, "index"):
            return
        manager, model = self.staking.manager, self.model
        assert manager.call("total_staked") == model.total_staked
        held = model.total_staked + model.total_exiting + self.given
        assert self.staking.astra.call("balance_of", manager.address) == held
        rewards = model.funded - model.paid.total() + model.arrived
        assert self.staking.fees.balance(manager.address) == rewards
        index = manager.call("stream")["index"]
        assert index >= self.index
        self.index = index

    def teardown(self) -> None:
        """Compare the rest at the end of a run: what can be claimed is what was earned, and is there."""
        if not hasattr(self, "index"):
            return
        self.staking.wait(2)
        manager, model, now = self.staking.manager, self.model, self.staking.now()
        claimable = []
        for who, account in enumerate(self.staking.stakers):
            assert manager.call("staked", account.address) == model.stakes[who]
            assert manager.call("exit_of", account.address)["amount"] == model.exits.get(who, Exit()).amount
            assert self.staking.rewards_of(account) == model.paid[who]
            assert self.staking.astra.call("balance_of", account.address) == self.wealth[who]
            amount = manager.call("claimable", account.address)
            assert any(model.may_claim(who, amount, now + later) for later in range(-1, 3))
            claimable.append(amount)
        assert sum(claimable) + model.paid.total() <= model.funded == manager.call("total_funded")
        assert manager.call("total_claimed") == model.paid.total()
        assert (manager.call("waiting"), manager.call("total_exiting")) == (model.waiting, model.total_exiting)
        numbers = [event["sequence"] for event in manager.events()]
        assert numbers == list(range(1, manager.call("sequence") + 1))

    def attempt(self, function: str, *arguments: Any, by: int) -> Receipt | str:
        """Call as a staker, and return the receipt or the text of the panic."""
        self.count()
        try:
            return self.staking.manager.invoke(function, *arguments, by=self.staking.stakers[by])
        except RevertedError as exc:
            return str(exc)


def refused(result: Receipt | str, reason: str) -> None:
    assert isinstance(result, str), f"was not refused: {reason}"
    assert reason in result


def run_staking(staking: Staking, *, shrink: bool = True) -> int:
    """Run the machine on a deployed manager, and return the number of steps."""
    node = staking.fees.chain.node
    StakingMachine.staking, StakingMachine.height, StakingMachine.began = staking, node.height(), node.timestamp() + 1
    try:
        return run(StakingMachine, shrink=shrink)
    finally:
        node.stop_clock(None)


@pytest.mark.slow
def test_random_stakes_earn_their_share_of_every_second(chain: Chain, fees: Fees) -> None:
    assert run_staking(Staking.deploy(chain, fees)) >= steps_of_each()
