"""Random fees, gifts, records, sponsored transactions and days, against the reference."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule

from tests.chain.budget import Machine, run, steps_of_each
from tests.chain.deployed import Chain, Receipt
from tests.chain.fees import Fees, change
from tests.chain.reference_paymaster import DAY_S, TIERS, PaymasterModel
from tests.chain.sponsoring import ALLOWANCES, MAX_PRICE, Sponsoring
from tests.chain.transactions import RevertedError

USERS = (0xA22, 0xB0B, 0xCA7)
USER = st.sampled_from(USERS)
GAS = st.one_of(st.integers(0, 10), st.integers(1, 150_000), st.integers(30_000, 60_000), st.sampled_from(ALLOWANCES))
EXPERIENCE = st.one_of(st.sampled_from(TIERS), st.sampled_from([tier + 1 for tier in TIERS]), st.integers(0, 200_000))
AMOUNTS = st.one_of(st.integers(1, 12), st.integers(1, 10**7))
PAUSED = "Pausable: paused"


class PaymasterMachine(Machine):
    sponsoring: ClassVar[Sponsoring]
    height: ClassVar[int]
    began: ClassVar[int]

    @initialize(fees=st.one_of(st.just(0), AMOUNTS, st.just(10**9)), known=st.tuples(EXPERIENCE, EXPERIENCE))
    def start(self, fees: int, known: tuple[int, int]) -> None:
        """Begin with two users who have a tier, and perhaps with funding."""
        node = self.sponsoring.fees.chain.node
        node.abort_to(self.height)
        node.stop_clock(self.began)
        self.model = PaymasterModel(MAX_PRICE)
        self.received = 0
        self.given = 0
        self.paused = False
        for user, experience in zip(USERS, known, strict=False):
            self.record(user, experience)
        if fees:
            self.receive_fees(fees, released=False)
            self.collect()

    @rule(
        request=st.integers(1, 30),
        user=USER,
        gas=GAS,
        part=st.sampled_from([0, 1, 2, 3]),
        more=st.sampled_from([0, 0, 0, 1]),
    )
    def sponsor(self, request: int, user: int, gas: int, part: int, more: int) -> None:
        """Report a transaction that costs a third, two thirds, or all that it may, or one unit more."""
        self.count()
        cost = gas * self.model.price // 10**6 * part // 3 + more
        result = self.attempt(lambda: self.sponsoring.pay(request, user, gas, cost))
        now = self.sponsoring.fees.chain.node.timestamp()
        refusal = PAUSED if self.paused else self.model.refusal(request, user, gas, cost, now)
        if isinstance(result, str):
            assert refusal, f"was refused: {result}"
            assert refusal in result
            return
        assert refusal is None
        tier, left = self.model.tier(user), self.model.gas_left(user, now) - gas
        event = result.one("TransactionSponsored")
        assert (event["tier"], event["gas_left"], event["cost"]) == (tier, left, cost)
        self.model.sponsor(request, user, gas, cost, now)
        assert self.sponsoring.paymaster.call("gas_left", user) == self.model.gas_left(user, now)

    @rule(user=USER, experience=EXPERIENCE)
    def record(self, user: int, experience: int) -> None:
        self.count()
        result = self.attempt(lambda: self.sponsoring.record(user, experience))
        if self.paused:
            assert isinstance(result, str)
            assert PAUSED in result
        else:
            assert self.model.record(user, experience) == isinstance(result, Receipt)

    @rule(amount=AMOUNTS, released=st.booleans())
    def receive_fees(self, amount: int, released: bool) -> None:
        """Let fees arrive in the splitter; perhaps a stranger pays them out."""
        self.count()
        self.sponsoring.receive_fees(amount)
        self.received += amount
        if released:
            self.attempt(lambda: self.sponsoring.fees.splitter.invoke("distribute", by=self.sponsoring.fees.stranger))

    @rule(amount=AMOUNTS)
    def give(self, amount: int) -> None:
        self.count()
        self.sponsoring.fees.usd.invoke("mint", self.sponsoring.paymaster.address, amount)
        self.given += amount

    @rule()
    def collect(self) -> None:
        self.count()
        result = self.attempt(lambda: self.sponsoring.paymaster.invoke("collect", by=self.sponsoring.fees.stranger))
        amount = self.received // 4 - self.model.funded
        if not amount:
            assert isinstance(result, str)
            assert "nothing to collect" in result
            return
        assert isinstance(result, Receipt)
        assert result.one("FundingCollected")["amount"] == amount
        self.model.funded += amount

    @rule(price=st.integers(0, 10**6))
    def change_price(self, price: int) -> None:
        self.count()
        change(self.sponsoring.fees.chain, self.sponsoring.paymaster, "set_max_price", price)
        self.model.price = price

    @rule(seconds=st.one_of(st.integers(1, DAY_S), st.just(DAY_S)))
    def wait(self, seconds: int) -> None:
        self.count()
        self.sponsoring.fees.chain.node.advance(seconds)

    @rule(often=st.sampled_from([True, False, False]))
    def pause_or_resume(self, often: bool) -> None:
        """Resume soon after a pause, because little happens meanwhile."""
        if not self.paused and not often:
            return
        self.count()
        self.sponsoring.paymaster.invoke("unpause" if self.paused else "pause")
        self.paused = not self.paused

    @invariant()
    def no_more_is_spent_than_funded(self) -> None:
        if not hasattr(self, "paused"):
            return
        paymaster, model = self.sponsoring.paymaster, self.model
        spent, funded = paymaster.call("total_spent"), paymaster.call("total_funded")
        assert (spent, funded) == (model.spent, model.funded)
        assert spent <= funded
        assert self.sponsoring.fees.balance(self.sponsoring.sponsor.address) == spent
        assert self.sponsoring.fees.balance(paymaster.address) >= funded - spent + self.given

    def teardown(self) -> None:
        """Compare every user at the end of a run."""
        if not hasattr(self, "paused"):
            return
        paymaster, reputation, model = self.sponsoring.paymaster, self.sponsoring.reputation, self.model
        self.sponsoring.fees.chain.node.advance(1)
        now = self.sponsoring.fees.chain.node.timestamp()
        for user in USERS:
            assert reputation.call("tier", user) == model.tier(user)
            assert reputation.call("experience", user) == model.experience.get(user, 0)
            assert reputation.call("balance_of", user) == int(user in model.experience)
            assert paymaster.call("gas_left", user) == model.gas_left(user, now)
        assert reputation.call("total_supply") == len(model.experience)
        for contract in (paymaster, reputation):
            numbers = [event["sequence"] for event in contract.events()]
            assert numbers == list(range(1, contract.call("sequence") + 1))

    def attempt(self, act: Callable[[], Receipt]) -> Receipt | str:
        """Return the receipt, or the text of the panic."""
        try:
            return act()
        except RevertedError as exc:
            return str(exc)


def run_paymaster(sponsoring: Sponsoring, *, shrink: bool = True) -> int:
    """Run the machine on deployed contracts, and return the number of steps."""
    node = sponsoring.fees.chain.node
    PaymasterMachine.sponsoring = sponsoring
    PaymasterMachine.height, PaymasterMachine.began = node.height(), node.timestamp() + 1
    try:
        return run(PaymasterMachine, shrink=shrink)
    finally:
        node.stop_clock(None)


@pytest.mark.slow
def test_random_transactions_are_sponsored_within_allowance_and_funding(chain: Chain, fees: Fees) -> None:
    assert run_paymaster(Sponsoring.deploy(chain, fees)) >= steps_of_each()
