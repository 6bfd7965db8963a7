"""Random transfers and allowances of ASTRA, against a dictionary of balances."""

from __future__ import annotations

from typing import ClassVar

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule

from tests.chain.budget import Machine, run, steps_of_each
from tests.chain.deployed import Chain, Deployed, reverts

HOLDERS = st.integers(0, 2)
UNLIMITED = 2**256 - 1
SUPPLY = 1000
AMOUNTS = st.one_of(st.integers(0, SUPPLY + 50), st.just(UNLIMITED))


class AstraMachine(Machine):
    chain: ClassVar[Chain]
    astra: ClassVar[Deployed]
    height: ClassVar[int]

    @initialize()
    def start(self) -> None:
        self.chain.node.abort_to(self.height)
        self.balances = [SUPPLY, 0, 0]
        self.allowed: dict[tuple[int, int], int] = {}

    @rule(sender=HOLDERS, recipient=HOLDERS, amount=AMOUNTS)
    def transfer(self, sender: int, recipient: int, amount: int) -> None:
        self.count()
        account = self.chain.accounts[sender]
        if amount > self.balances[sender]:
            with reverts("ERC20: insufficient balance"):
                self.astra.invoke("transfer", self.address(recipient), amount, by=account)
            return
        self.astra.invoke("transfer", self.address(recipient), amount, by=account)
        self.move(sender, recipient, amount)

    @rule(owner=HOLDERS, spender=HOLDERS, amount=AMOUNTS)
    def approve(self, owner: int, spender: int, amount: int) -> None:
        self.count()
        self.astra.invoke("approve", self.address(spender), amount, by=self.chain.accounts[owner])
        self.allowed[owner, spender] = amount

    @rule(owner=HOLDERS, spender=HOLDERS, recipient=HOLDERS, amount=AMOUNTS)
    def transfer_from(self, owner: int, spender: int, recipient: int, amount: int) -> None:
        self.count()
        allowed, account = self.allowed.get((owner, spender), 0), self.chain.accounts[spender]
        arguments = self.address(owner), self.address(recipient), amount
        if amount > allowed or amount > self.balances[owner]:
            with reverts(f"ERC20: insufficient {'allowance' if amount > allowed else 'balance'}"):
                self.astra.invoke("transfer_from", *arguments, by=account)
            return
        self.astra.invoke("transfer_from", *arguments, by=account)
        self.move(owner, recipient, amount)
        if allowed != UNLIMITED:
            self.allowed[owner, spender] = allowed - amount

    @invariant()
    def balances_are_those_of_the_reference(self) -> None:
        if hasattr(self, "allowed"):
            assert [self.astra.call("balance_of", self.address(each)) for each in range(3)] == self.balances
            assert sum(self.balances) == SUPPLY

    def move(self, sender: int, recipient: int, amount: int) -> None:
        self.balances[sender] -= amount
        self.balances[recipient] += amount

    def address(self, holder: int) -> int:
        return self.chain.accounts[holder].address


@pytest.mark.slow
def test_random_transfers_move_what_they_should(chain: Chain) -> None:
    with chain.rolled_back():
        AstraMachine.chain = chain
        AstraMachine.astra = chain.deploy("AstraToken", SUPPLY, chain.accounts[0].address)
        AstraMachine.height = chain.node.height()
        assert run(AstraMachine) >= steps_of_each()
