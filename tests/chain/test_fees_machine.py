"""Random settlements, sweeps, payments, gifts and changes of shares, against the reference."""

from __future__ import annotations

from typing import ClassVar

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule

from tests.chain.budget import Machine, run, steps_of_each
from tests.chain.deployed import Chain, reverts
from tests.chain.fees import DETAILS, PAYMASTER, SHARES, STAKING, TREASURY, Fees, change, shares, totals
from tests.chain.reference import PPM, CollectorModel, Epoch, SplitterModel
from tests.chain.transactions import RevertedError

OTHERS = (0xBE1, 0xBE2, 0xBE3)
EVERYONE = (TREASURY, PAYMASTER, STAKING, *OTHERS)
SOURCES = ("trading", "nft", "subscriptions", "loans")
AMOUNTS = st.one_of(st.integers(1, 12), st.integers(1, 10**14), st.integers(10**14, 10**36))


@st.composite
def new_shares(draw: st.DrawFn) -> dict[int, int]:
    """Draw beneficiaries in any order, with shares that make a whole."""
    who = draw(st.lists(st.sampled_from(EVERYONE), min_size=1, max_size=6, unique=True))
    cuts = sorted(draw(st.lists(st.integers(1, PPM - 1), min_size=len(who) - 1, max_size=len(who) - 1, unique=True)))
    return {each: high - low for each, low, high in zip(who, [0, *cuts], [*cuts, PPM], strict=True)}


class FeesMachine(Machine):
    fees: ClassVar[Fees]
    height: ClassVar[int]

    @initialize()
    def start(self) -> None:
        self.fees.chain.node.abort_to(self.height)
        self.splitter = SplitterModel([Epoch(dict(SHARES))])
        self.collector = CollectorModel()
        self.paused = {"splitter": False, "collector": False}
        self.refused: set[int] = set()

    @rule(amounts=st.dictionaries(st.sampled_from(SOURCES), AMOUNTS, min_size=1))
    def settle(self, amounts: dict[str, int]) -> None:
        self.count()
        if self.paused["collector"]:
            with reverts("Pausable: paused"):
                self.fees.settle(amounts)
            return
        settled = self.fees.settle(amounts).one("BatchSettled")
        self.collector.batches.append(amounts)
        assert (settled["batch"], settled["amount"]) == (len(self.collector.batches), sum(amounts.values()))

    @precondition(lambda self: self.collector.batches and not self.paused["collector"])
    @rule(back=st.integers(0, 3), right_hash=st.booleans())
    def replay(self, back: int, right_hash: bool) -> None:
        """Send an old batch again, as it was or with the hash that the next one needs."""
        self.count()
        batch = max(1, len(self.collector.batches) - back)
        previous = self.fees.collector.call("last_batch")[1] if right_hash else 0
        previous = previous or self.fees.collector.call("batch_hash", batch - 1)
        listed = totals(self.collector.batches[batch - 1])
        with reverts("FeeCollector: batch order"):
            self.fees.collector.invoke("settle_batch", batch, previous, DETAILS, listed, by=self.fees.settler)

    @rule()
    def sweep(self) -> None:
        self.count()
        if not self.collector.held:
            with reverts("FeeCollector: nothing to sweep"):
                self.fees.collector.invoke("sweep_fees")
            return
        fees, surplus = self.collector.settled - self.collector.swept, self.collector.donated - self.collector.surplus
        swept = self.fees.collector.invoke("sweep_fees", by=self.fees.stranger).one("FeesSwept")
        assert (swept["amount"], swept["surplus"]) == (fees, surplus)
        self.splitter.receive(self.collector.sweep())

    @rule(amount=AMOUNTS, to_splitter=st.booleans())
    def donate(self, amount: int, to_splitter: bool) -> None:
        self.count()
        contract = self.fees.splitter if to_splitter else self.fees.collector
        self.fees.usd.invoke("mint", contract.address, amount)
        if to_splitter:
            self.splitter.receive(amount)
        else:
            self.collector.donated += amount

    @rule(who=st.sampled_from(EVERYONE))
    def release(self, who: int) -> None:
        self.count()
        due = self.splitter.due(who)
        if not due or who in self.refused:
            try:
                self.fees.splitter.invoke("release", who)
            except RevertedError:
                return
            raise AssertionError(f"{who:#x} was paid")
        assert self.fees.splitter.invoke("release", who).one("FeesDistributed")["amount"] == self.splitter.pay(who)

    @rule()
    def distribute(self) -> None:
        self.count()
        if self.paused["splitter"]:
            with reverts("Pausable: paused"):
                self.fees.splitter.invoke("distribute")
            return
        current = self.splitter.epochs[-1].shares
        due = {who: self.splitter.due(who) for who in current if self.splitter.due(who)}
        receipt = self.fees.splitter.invoke("distribute")
        seen = {event["beneficiary"]: (event.name, event["amount"]) for event in receipt.events}
        names = {who: "PaymentSkipped" if who in self.refused else "FeesDistributed" for who in due}
        assert seen == {who: (names[who], amount) for who, amount in due.items()}
        for who in due:
            if who not in self.refused:
                self.splitter.pay(who)

    @rule(who=st.sampled_from(EVERYONE), refusal=st.sampled_from([0, 0, 1, 2]))
    def refuse(self, who: int, refusal: int) -> None:
        """Let the token refuse a beneficiary, or serve it again."""
        self.count()
        self.fees.usd.invoke("set_refusal", who, refusal)
        self.refused = self.refused | {who} if refusal else self.refused - {who}

    @rule(drawn=new_shares())
    def change_shares(self, drawn: dict[int, int]) -> None:
        self.count()
        change(self.fees.chain, self.fees.splitter, "set_shares", shares(*drawn.items()))
        self.splitter.change(drawn)

    @rule(name=st.sampled_from(["splitter", "collector"]))
    def pause_or_resume(self, name: str) -> None:
        self.count()
        getattr(self.fees, name).invoke("unpause" if self.paused[name] else "pause")
        self.paused[name] = not self.paused[name]

    @invariant()
    def nothing_is_lost_or_made(self) -> None:
        if not hasattr(self, "refused"):
            return
        splitter, collector = self.fees.splitter, self.fees.collector
        assert splitter.call("total_received") == self.splitter.received
        assert self.fees.balance(splitter.address) == self.splitter.held
        assert self.fees.balance(collector.address) == self.collector.held

    def teardown(self) -> None:
        """Compare the rest once, at the end of a run: each call takes milliseconds."""
        if not hasattr(self, "refused"):
            return
        names = ("total_settled", "total_swept", "total_surplus")
        read = tuple(self.fees.collector.call(name) for name in names)
        assert read == (self.collector.settled, self.collector.swept, self.collector.surplus)
        due = {who: self.fees.splitter.call("due", who) for who in EVERYONE}
        assert due == {who: self.splitter.due(who) for who in EVERYONE}
        assert sum(due.values()) == self.splitter.held
        for who in EVERYONE:
            assert self.fees.splitter.call("released", who) == self.fees.balance(who) == self.splitter.paid.get(who, 0)
        for source in SOURCES:
            assert self.fees.collector.call("total_of", source) == self.collector.total_of(source)
        for contract in (self.fees.splitter, self.fees.collector):
            numbers = [event["sequence"] for event in contract.events()]
            assert numbers == list(range(1, contract.call("sequence") + 1))


def run_fees(chain: Chain, fees: Fees, *, shrink: bool = True) -> int:
    """Run the machine on deployed contracts, and return the number of steps."""
    FeesMachine.fees, FeesMachine.height = fees, chain.node.height()
    return run(FeesMachine, shrink=shrink)


@pytest.mark.slow
def test_random_fees_are_split_as_the_reference_says(chain: Chain, fees: Fees) -> None:
    assert run_fees(chain, fees) >= steps_of_each()
