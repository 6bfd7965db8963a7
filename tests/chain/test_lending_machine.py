"""Random loans, payments, liquidations, prices, gifts and pauses, against the reference."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from copy import deepcopy
from fractions import Fraction
from math import ceil
from typing import Any, ClassVar

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule
from poseidon_py.poseidon_hash import poseidon_hash_many

from tests.chain.budget import Machine, run, steps_of_each
from tests.chain.deployed import Chain, Receipt
from tests.chain.fees import DELAY_S, announce
from tests.chain.lending import ASTRA, BORROW_CAP, DOLLAR, MAX, MIN_DEBT, SUPPLY_CAP, USD, YEAR_S, Lending
from tests.chain.reference_lending import BURNT, PRICE_SCALE, RAY, OracleModel, PoolModel, Refused
from tests.chain.transactions import Account, RevertedError

NAMES = ("alice", "bob", "carol", "dave")
USERS = st.sampled_from(NAMES)
PARTS = st.sampled_from([1, 10, 50, 99, 100, 100, 100, 101])
"""Percent of the most that a call may take."""
NEAR = st.sampled_from([-1, 0, 0, 1])
AMOUNTS = st.one_of(st.integers(1, 2000), st.integers(MIN_DEBT, 10**6 * USD), st.integers(USD, 2 * SUPPLY_CAP))
SECONDS = st.one_of(st.integers(1, 100), st.integers(1, YEAR_S), st.integers(YEAR_S, 20 * YEAR_S))
MOVES = st.one_of(st.integers(90, 110), st.integers(20, 400))
"""Percent of the last price."""
STRAINS = st.sampled_from([79, 80, 81, 90, 95, 96, 99, 110, 200])
"""Percent of the collateral's value that a debt is. Above 80 it is liquidated, above 95 some of it is bad."""
RECIPIENT = 0xFEE
ENOUGH = 5000
"""A run of so many steps shows nothing, unless each of these events happens."""
MUST_HAPPEN = frozenset({
    "Supplied", "Withdrawn", "CollateralDeposited", "CollateralWithdrawn", "Borrowed", "Repaid", "Liquidated",
    "BadDebtRecorded", "ReservesWithdrawn", "InterestAccrued", "PriceHeld",
})  # fmt: skip


def when(holds: Callable[[PoolModel], object]) -> Callable[..., Any]:
    """Let a rule run only while the reference says that it can do something."""
    return precondition(lambda machine: bool(holds(machine.pool)))


LENT = when(lambda pool: any(who != BURNT and held for who, held in pool.shares.items()))
OWED = when(lambda pool: any(pool.scaled.values()))
COVERED = when(lambda pool: any(pool.collateral.values()))
LENDING = when(lambda pool: any(pool.collateral.values()) and pool.cash > pool.reserves + MIN_DEBT)


class LendingMachine(Machine):
    lending: ClassVar[Lending]
    height: ClassVar[int]
    began: ClassVar[int]
    events: ClassVar[Counter[str]] = Counter()
    """How often each event was seen in a run."""

    @initialize(
        lent=st.one_of(st.just(0), *[st.integers(100 * USD, 10**6 * USD)] * 4),
        cover=st.integers(1, 4),
        part=st.sampled_from([50, 90, 100]),
    )
    def start(self, lent: int, cover: int, part: int) -> None:
        """Begin with an empty pool, or with two borrowers whose collateral covers their loans more or less."""
        chain = self.lending.chain
        chain.node.abort_to(self.height)
        chain.node.stop_clock(self.began)
        price, observed_at = self.lending.oracle.call("latest")
        oracle = OracleModel(price, observed_at)
        now = self.lending.market()["updated_at"]
        self.pool = PoolModel(oracle, SUPPLY_CAP, BORROW_CAP, MIN_DEBT, now)
        self.donated = {"usd": 0, "astra": 0}
        if lent:
            self.supply("alice", lent)
            for name in ("bob", "carol"):
                self.act(name, "deposit_collateral", lent * cover * (ASTRA // USD) // 2)
                self.borrow(name, part, 0, fresh=True)

    def attempt(self, send: Callable[[], Receipt], expect: Callable[[PoolModel, int], Any]) -> tuple[Any, Receipt]:
        """Send a transaction, let a copy of the reference do the same at the same time, and keep the copy when
        the transaction succeeded. Return the expected result and the receipt; None and no events for a refusal.
        """
        self.count()
        now = self.lending.chain.node.timestamp()
        done: Receipt | RevertedError
        try:
            done = send()
        except RevertedError as exc:
            done = exc
        trial, waited = deepcopy(self.pool), deepcopy(self.pool)
        expected, refusal = outcome(expect, trial, now)
        if refusal:
            assert isinstance(done, RevertedError), f"not refused: {refusal}"
            assert f"('{refusal}')" in str(done)
            return None, Receipt([], {})
        assert isinstance(done, Receipt), str(done)
        self.pool = deepcopy(trial)
        waited.accrue(now)
        trial.accrue(now)
        assert_nobody_is_robbed(waited, trial)
        self.events.update(event.name for event in done.events)
        return expected, done

    def user(self, name: str) -> Account:
        account: Account = getattr(self.lending, name)
        return account

    def act(self, name: str, function: str, amount: int) -> tuple[Any, Receipt]:
        """Let a user call a function that takes an amount."""
        account = self.user(name)
        return self.attempt(
            lambda: self.lending.pool.invoke(function, amount, by=account),
            lambda pool, now: getattr(pool, function)(now, account.address, amount),
        )

    def holder(self, name: str, amounts: dict[int, int]) -> str:
        """Return a user, or another one when the user holds none of these amounts."""
        names = [name, *(each for each in NAMES if each != name)]
        return next((each for each in names if amounts.get(self.user(each).address)), name)

    def now(self) -> PoolModel:
        """Return a copy of the reference that is a second older than the newest block."""
        copy = deepcopy(self.pool)
        copy.accrue(max(copy.now, self.lending.chain.node.timestamp()) + 1)
        return copy

    @rule(name=USERS, amount=AMOUNTS)
    def supply(self, name: str, amount: int) -> None:
        minted, receipt = self.act(name, "supply", amount)
        if minted is not None:
            assert (receipt.one("Supplied")["amount"], receipt.one("Supplied")["shares"]) == (amount, minted)

    @LENT
    @rule(name=USERS, part=PARTS, near=NEAR)
    def withdraw(self, name: str, part: int, near: int) -> None:
        name = self.holder(name, self.pool.shares)
        amount = max(0, self.now().claim(self.user(name).address) * part // 100 + near)
        burnt, receipt = self.act(name, "withdraw", amount)
        if burnt is not None:
            assert (receipt.one("Withdrawn")["amount"], receipt.one("Withdrawn")["shares"]) == (amount, burnt)

    @LENT
    @rule(name=USERS, part=PARTS, near=NEAR)
    def redeem(self, name: str, part: int, near: int) -> None:
        name = self.holder(name, self.pool.shares)
        shares = max(0, self.pool.shares.get(self.user(name).address, 0) * part // 100 + near)
        paid, receipt = self.act(name, "redeem", shares)
        if paid is not None:
            assert (receipt.one("Withdrawn")["amount"], receipt.one("Withdrawn")["shares"]) == (paid, shares)

    @rule(name=USERS, amount=AMOUNTS, single=st.integers(0, 3))
    def deposit_collateral(self, name: str, amount: int, single: int) -> None:
        self.act(name, "deposit_collateral", amount if single == 0 else amount * (ASTRA // USD))

    @COVERED
    @rule(name=USERS, part=PARTS, near=NEAR, fresh=st.booleans())
    def withdraw_collateral(self, name: str, part: int, near: int, fresh: bool) -> None:
        self.keep_price(fresh)
        name = self.holder(name, self.pool.collateral)
        held = self.pool.collateral.get(self.user(name).address, 0)
        self.act(name, "withdraw_collateral", max(0, held * part // 100 + near))

    @LENDING
    @rule(name=USERS, part=PARTS, near=NEAR, fresh=st.sampled_from([True, True, True, False]))
    def borrow(self, name: str, part: int, near: int, fresh: bool) -> None:
        self.keep_price(fresh)
        name = self.holder(name, self.pool.collateral)
        who, now = self.user(name).address, self.now()
        room = now.value(who, now.oracle.price) * 75 // 100 - now.debt(who)
        amount = max(0, min(room, now.cash - ceil(now.reserves)) * part // 100 + near)
        debt, receipt = self.act(name, "borrow", amount)
        if debt is not None:
            assert (receipt.one("Borrowed")["amount"], receipt.one("Borrowed")["debt"]) == (amount, debt)

    @OWED
    @rule(payer=USERS, name=USERS, part=PARTS, near=NEAR)
    def repay(self, payer: str, name: str, part: int, near: int) -> None:
        who = self.user(self.holder(name, self.pool.scaled)).address
        amount = max(0, self.now().debt(who) * part // 100 + near)
        paid, receipt = self.pay(payer, who, amount)
        if paid is not None:
            assert (receipt.one("Repaid")["amount"], receipt.one("Repaid")["debt"]) == (paid, self.pool.debt(who))

    def pay(self, payer: str, who: int, amount: int) -> tuple[Any, Receipt]:
        return self.attempt(
            lambda: self.lending.pool.invoke("repay", who, amount, by=self.user(payer)),
            lambda pool, now: pool.repay(now, who, amount),
        )

    @rule(by=USERS, name=USERS, part=PARTS, near=NEAR, strain=STRAINS)
    def strain(self, by: str, name: str, part: int, near: int, strain: int) -> None:
        """Move the price until a debt is a given part of its collateral, and try to liquidate it."""
        self.pause_or_resume(False)
        if not any(self.pool.scaled.values()):
            self.supply(by, 1000 * USD)
            self.act(name, "deposit_collateral", 1000 * ASTRA)
            self.borrow(name, 100, 0, fresh=True)
        name = self.holder(name, self.pool.scaled)
        who, now = self.user(name).address, self.now()
        if held := self.pool.collateral.get(who):
            self.move_price_to(now.debt(who) * PRICE_SCALE * 100 // (held * strain))
        self.liquidate(by, name, part, near, fresh=True)

    @OWED
    @rule(by=USERS, name=USERS, part=PARTS, near=NEAR, fresh=st.booleans())
    def liquidate(self, by: str, name: str, part: int, near: int, fresh: bool) -> None:
        self.keep_price(fresh)
        who, bad = self.user(self.holder(name, self.pool.scaled)).address, self.pool.bad_debt
        amount = max(0, self.now().debt(who) * part // 100 + near)
        before = self.now()
        done, receipt = self.attempt(
            lambda: self.lending.pool.invoke("liquidate", who, amount, by=self.user(by)),
            lambda pool, now: pool.liquidate(now, who, amount),
        )
        if done is None:
            return
        event = receipt.one("Liquidated")
        assert (event["paid"], event["seized"], event["debt"]) == (*done, self.pool.debt(who))
        assert not self.pool.debt(who) or health(self.pool, who) > health(before, who)
        recorded = sum(each["amount"] for each in receipt.events if each.name == "BadDebtRecorded")
        assert recorded == (self.pool.bad_debt - bad) * RAY

    @rule()
    def accrue(self) -> None:
        self.attempt(lambda: self.lending.pool.invoke("accrue"), lambda pool, now: pool.accrue(now))

    @rule(percent=MOVES, waited=st.sampled_from([0, 1, 30, 59, 60]), age=st.sampled_from([0, 0, 1, 30, 60, 61]))
    def report(self, percent: int, waited: int, age: int) -> None:
        self.report_price(possible(self.pool.oracle.price * percent // 100), waited, age)

    @rule(percent=st.sampled_from([40, 70, 90, 93, 97, 200]))
    def move_price(self, percent: int) -> None:
        self.move_price_to(self.pool.oracle.price * percent // 100)

    def move_price_to(self, price: int) -> None:
        """Report a price until it counts."""
        price = possible(price)
        self.report_price(price)
        if self.pool.oracle.held:
            self.lending.chain.node.advance(60)
            self.report_price(price)
            assert not self.pool.oracle.held

    def keep_price(self, fresh: bool) -> None:
        if fresh:
            self.report_price(self.pool.oracle.price)

    def report_price(self, price: int, waited: int = 1, age: int = 0) -> None:
        self.lending.chain.node.advance(waited)
        observed_at = self.lending.chain.node.timestamp() - age
        name, receipt = self.attempt(
            lambda: self.lending.oracle.invoke("report", price, observed_at, by=self.lending.feeder),
            lambda pool, now: pool.oracle.report(now, price, observed_at),
        )
        assert [event.name for event in receipt.events] == [name] * bool(name)

    @rule(seconds=SECONDS)
    def wait(self, seconds: int) -> None:
        self.count()
        self.lending.chain.node.advance(seconds)

    @rule(token=st.sampled_from(["usd", "astra"]), amount=AMOUNTS)
    def donate(self, token: str, amount: int) -> None:
        self.count()
        getattr(self.lending, token).invoke("mint", self.lending.pool.address, amount)
        self.donated[token] += amount

    @rule(pause=st.sampled_from([True, False, False, False]))
    def pause_or_resume(self, pause: bool) -> None:
        if pause != self.pool.paused:
            self.count()
            self.lending.pool.invoke("pause" if pause else "unpause")
            self.pool.paused = pause

    @when(lambda pool: pool.reserves >= 1)
    @rule(part=PARTS, near=NEAR)
    def withdraw_reserves(self, part: int, near: int) -> None:
        amount = max(0, int(self.pool.reserves) * part // 100 + near)
        announced = announce(self.lending.pool, "withdraw_reserves", RECIPIENT, amount)
        self.lending.chain.node.advance(DELAY_S)
        paid, _ = self.attempt(
            lambda: self.lending.pool.invoke("execute", *announced),
            lambda pool, now: pool.withdraw_reserves(now, amount),
        )
        if paid is None:
            self.lending.pool.invoke("cancel", poseidon_hash_many([announced[0], *announced[1]]))

    @invariant()
    def the_pool_is_what_the_reference_says(self) -> None:
        if not hasattr(self, "donated"):
            return
        read = self.lending.market()
        model = deepcopy(self.pool)
        model.accrue(read["updated_at"])
        assert read == {
            "cash": model.cash,
            "scaled_debt": sum(model.scaled.values()),
            "index": model.index * RAY,
            "reserves": model.reserves * RAY,
            "shares": model.total_shares,
            "updated_at": model.now,
        }
        held = {
            token: getattr(self.lending, token).call("balance_of", self.lending.pool.address)
            for token in ("usd", "astra")
        }
        assert held["usd"] == model.cash + self.donated["usd"]
        assert held["astra"] == sum(model.collateral.values()) + self.donated["astra"]
        assert_solvent(model)

    def teardown(self) -> None:
        """Compare the rest once, at the end of a run: each call takes milliseconds."""
        if not hasattr(self, "donated"):
            return
        pool = self.lending.pool
        for name in NAMES:
            who = self.user(name).address
            read = [pool.call(each, who) for each in ("shares_of", "scaled_debt_of", "collateral_of")]
            assert read == [each.get(who, 0) for each in (self.pool.shares, self.pool.scaled, self.pool.collateral)]
        assert pool.call("total_collateral") == sum(self.pool.collateral.values())
        assert pool.call("bad_debt") == self.pool.bad_debt * RAY
        for contract in (pool, self.lending.oracle):
            numbers = [event["sequence"] for event in contract.events()]
            assert numbers == list(range(1, contract.call("sequence") + 1))
        self.everyone_leaves()

    def everyone_leaves(self) -> None:
        """Pay all debts and withdraw all shares while the pool is paused: nothing is trapped."""
        if not self.pool.paused:
            self.lending.pool.invoke("pause")
            self.pool.paused = True
        for name in NAMES:
            account = self.user(name)
            if self.pool.scaled.get(account.address):
                self.lending.usd.invoke("mint", account.address, self.now().debt(account.address) * 2)
                self.pay(name, account.address, MAX)
            if held := self.pool.collateral.get(account.address):
                assert self.act(name, "withdraw_collateral", held)[0] == held
        for name in NAMES:
            who = self.user(name).address
            if self.pool.claim(who):
                assert self.act(name, "redeem", self.pool.shares[who])[0] is not None


def outcome(expect: Callable[[PoolModel, int], Any], model: PoolModel, now: int) -> tuple[Any, str]:
    """Return what the reference expects: a result, or the text of a refusal."""
    try:
        return expect(model, now), ""
    except Refused as refusal:
        return None, str(refusal)


def possible(price: int) -> int:
    return max(1, min(price, 10**12 * DOLLAR))


def health(pool: PoolModel, who: int) -> Fraction:
    return Fraction(pool.value(who, pool.oracle.price), pool.debt(who))


def assert_solvent(pool: PoolModel) -> None:
    """Compare, exactly, what there is and what is owed."""
    claims = sum(map(pool.claim, pool.shares))
    debts = sum(map(pool.debt, pool.scaled))
    assert pool.cash + debts >= claims + pool.reserves
    assert pool.exact_assets >= 0
    assert pool.reserves >= 0
    assert all(not debt or debt >= MIN_DEBT for debt in map(pool.debt, pool.scaled))


def assert_nobody_is_robbed(before: PoolModel, after: PoolModel) -> None:
    """Check, at one time, that the price of a share falls only by bad debt, and that the index stands still."""
    if before.total_shares and after.bad_debt == before.bad_debt:
        assert after.assets * before.total_shares >= before.assets * after.total_shares
    assert after.index == before.index
    assert after.bad_debt >= before.bad_debt


def run_lending(chain: Chain, lending: Lending, *, shrink: bool = True) -> int:
    """Run the machine on deployed contracts, and return the number of steps."""
    LendingMachine.lending, LendingMachine.height = lending, chain.node.height()
    LendingMachine.began = chain.node.timestamp() + 1
    LendingMachine.events.clear()
    try:
        return run(LendingMachine, shrink=shrink)
    finally:
        chain.node.stop_clock(None)


@pytest.mark.slow
def test_random_loans_are_what_the_reference_says(chain: Chain, lending: Lending) -> None:
    steps = run_lending(chain, lending)
    assert steps >= steps_of_each()
    assert steps < ENOUGH or not MUST_HAPPEN - set(LendingMachine.events)
