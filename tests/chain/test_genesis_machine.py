"""Random mints, transfers and approvals of genesis NFTs, against the reference."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule

from tests.chain.abi import short_string
from tests.chain.budget import Machine, run, steps_of_each
from tests.chain.deployed import Chain, Deployed, Receipt
from tests.chain.reference_genesis import GenesisModel
from tests.chain.transactions import RevertedError

WHO = st.integers(0, 2)
TOKENS = st.integers(0, 5)
KINDS = ("first_trade", "viral_legend")
MINTED = st.lists(st.tuples(WHO, st.sampled_from(KINDS)), max_size=4, unique=True)
CALLER = st.sampled_from(["owner", "owner", "approved", "anyone"])
MINTER = 2
HOLDERS_FROM = 3
"""The first account that holds tokens; the ones before own, pause and mint."""


class GenesisMachine(Machine):
    chain: ClassVar[Chain]
    genesis: ClassVar[Deployed]
    height: ClassVar[int]

    @initialize(minted=MINTED)
    def start(self, minted: list[tuple[int, str]]) -> None:
        self.chain.node.abort_to(self.height)
        self.model = GenesisModel()
        self.paused = False
        for request, (user, kind) in enumerate(minted, start=1):
            self.mint(request, user, kind, by_minter=True)

    @rule(
        request=st.integers(1, 9),
        user=WHO,
        kind=st.sampled_from(KINDS),
        by_minter=st.sampled_from([True, True, True, False]),
    )
    def mint(self, request: int, user: int, kind: str, by_minter: bool) -> None:
        account = MINTER if by_minter else HOLDERS_FROM
        arguments = request, self.address(user), kind, "rare", f"uri of {kind} for {user}"
        done = self.attempt("mint", *arguments, by=account)
        if self.paused or not by_minter:
            assert done is None
            return
        token = self.model.mint(request, user, kind)
        assert (done.one("AchievementMinted")["token_id"] if done else 0) == token

    @rule(caller=CALLER, anyone=st.tuples(WHO, WHO), recipient=WHO, index=TOKENS, safely=st.booleans())
    def transfer(self, caller: str, anyone: tuple[int, int], recipient: int, index: int, safely: bool) -> None:
        token, (sender, by) = self.token(index, caller), anyone
        owner = self.model.owners.get(token)
        if caller != "anyone" and owner is not None:
            sender = owner
            by = owner if caller == "owner" else self.model.approved.get(token, by)
        rest: list[list[int]] = [[]] if safely else []
        name = "safe_transfer_from" if safely else "transfer_from"
        arguments = self.address(sender), self.address(recipient), token, *rest
        done = self.attempt(name, *arguments, by=HOLDERS_FROM + by)
        assert (done is not None) == self.model.may_move(by, sender, token)
        if done:
            self.model.move(recipient, token)

    @rule(caller=CALLER, spender=WHO, index=TOKENS, by=WHO)
    def approve(self, caller: str, spender: int, index: int, by: int) -> None:
        token = self.token(index, caller)
        if caller == "owner":
            by = self.model.owners.get(token, by)
        done = self.attempt("approve", self.address(spender), token, by=HOLDERS_FROM + by)
        assert (done is not None) == self.model.may_approve(by, token)
        if done:
            self.model.approved[token] = spender

    @rule(operator=WHO, approved=st.booleans(), by=WHO)
    def approve_for_all(self, operator: int, approved: bool, by: int) -> None:
        assert self.attempt("set_approval_for_all", self.address(operator), approved, by=HOLDERS_FROM + by)
        self.model.operators.discard((by, operator))
        if approved:
            self.model.operators.add((by, operator))

    @rule(often=st.sampled_from([True, False, False]))
    def pause_or_resume(self, often: bool) -> None:
        """Resume soon after a pause, because little happens meanwhile."""
        if not self.paused and not often:
            return
        self.count()
        self.genesis.invoke("unpause" if self.paused else "pause")
        self.paused = not self.paused

    @invariant()
    def every_token_has_the_owner_of_the_reference(self) -> None:
        if not hasattr(self, "paused"):
            return
        assert self.genesis.call("total_supply") == len(self.model.made_for)
        for token, owner in self.model.owners.items():
            assert self.genesis.call("owner_of", token) == self.address(owner)

    def teardown(self) -> None:
        """Compare the rest at the end of a run."""
        if not hasattr(self, "paused"):
            return
        model = self.model
        for who in range(3):
            assert self.genesis.call("balance_of", self.address(who)) == model.balance(who)
        for token, (user, kind) in enumerate(model.made_for, start=1):
            assert self.genesis.call("token_uri", token) == f"uri of {kind} for {user}"
            expected = {"kind": short_string(kind), "rarity": short_string("rare"), "earned_by": self.address(user)}
            assert self.genesis.call("achievement", token) == expected
            assert self.genesis.call("token_for", self.address(user), kind) == token
            approved = model.approved.get(token)
            assert self.genesis.call("get_approved", token) == (0 if approved is None else self.address(approved))
        numbers = [event["sequence"] for event in self.genesis.events()]
        assert numbers == list(range(1, self.genesis.call("sequence") + 1))

    def attempt(self, function: str, *arguments: Any, by: int) -> Receipt | None:
        """Return the receipt, or None when the call was refused."""
        self.count()
        try:
            return self.genesis.invoke(function, *arguments, by=self.chain.accounts[by])
        except RevertedError:
            return None

    def token(self, index: int, caller: str) -> int:
        """Return the number of a token: one that exists, or for `anyone` perhaps none."""
        existing = len(self.model.owners)
        return index + 1 if caller == "anyone" or not existing else index % existing + 1

    def address(self, who: int) -> int:
        return self.chain.accounts[HOLDERS_FROM + who].address


def run_genesis(chain: Chain, genesis: Deployed, *, shrink: bool = True) -> int:
    """Run the machine on a deployed contract, and return the number of steps."""
    GenesisMachine.chain, GenesisMachine.genesis, GenesisMachine.height = chain, genesis, chain.node.height()
    return run(GenesisMachine, shrink=shrink)


@pytest.mark.slow
def test_random_transfers_move_the_right_tokens(chain: Chain) -> None:
    with chain.rolled_back():
        genesis = chain.deploy("GenesisNFT", *(account.address for account in chain.accounts[:3]))
        assert run_genesis(chain, genesis) >= steps_of_each()
