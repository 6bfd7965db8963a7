"""The lending pool for those who borrow: collateral, loans, payments."""

from __future__ import annotations

from tests.chain.deployed import reverts
from tests.chain.fees import change
from tests.chain.lending import ASTRA, BORROW_CAP, DOLLAR, MAX, MIN_DEBT, PLENTY, USD, YEAR_S, Lending


def test_a_loan_is_at_most_75_percent_of_the_collateral(lending: Lending) -> None:
    lending.lend()
    lending.pool.invoke("deposit_collateral", 1000 * ASTRA, by=lending.bob)
    assert lending.pool.call("collateral_value", lending.bob.address) == 1000 * USD
    with reverts("LendingPool: not covered"):
        lending.pool.invoke("borrow", 750 * USD + 1, by=lending.bob)
    borrowed = lending.pool.invoke("borrow", 750 * USD, by=lending.bob).one("Borrowed")
    assert (borrowed["borrower"], borrowed["amount"], borrowed["debt"]) == (lending.bob.address, 750 * USD, 750 * USD)
    assert lending.usd.call("balance_of", lending.bob.address) == PLENTY + 750 * USD
    with reverts("LendingPool: not covered"):
        lending.pool.invoke("borrow", 1, by=lending.bob)


def test_no_collateral_no_loan(lending: Lending) -> None:
    lending.lend()
    with reverts("LendingPool: not covered"):
        lending.pool.invoke("borrow", MIN_DEBT, by=lending.bob)


def test_a_loan_is_no_dust(lending: Lending) -> None:
    lending.lend()
    lending.pool.invoke("deposit_collateral", 1000 * ASTRA, by=lending.bob)
    for amount, reason in ((0, "LendingPool: amount is zero"), (MIN_DEBT - 1, "LendingPool: debt is dust")):
        with reverts(reason):
            lending.pool.invoke("borrow", amount, by=lending.bob)
    lending.pool.invoke("borrow", MIN_DEBT, by=lending.bob)


def test_a_loan_needs_cash_besides_the_reserves(lending: Lending) -> None:
    lending.lend(1000 * USD)
    lending.pool.invoke("deposit_collateral", 10_000 * ASTRA, by=lending.bob)
    with reverts("LendingPool: not enough cash"):
        lending.pool.invoke("borrow", 1000 * USD + 1, by=lending.bob)
    lending.pool.invoke("borrow", 500 * USD, by=lending.bob)
    lending.chain.node.advance(YEAR_S)
    lending.same_price()
    with reverts("LendingPool: not enough cash"):
        lending.pool.invoke("borrow", 500 * USD, by=lending.bob)


def test_loans_have_a_cap(lending: Lending) -> None:
    lending.lend(BORROW_CAP + 10 * USD)
    lending.pool.invoke("deposit_collateral", 2 * 10**9 * ASTRA, by=lending.bob)
    with reverts("LendingPool: borrow cap"):
        lending.pool.invoke("borrow", BORROW_CAP + 1, by=lending.bob)
    lending.pool.invoke("borrow", BORROW_CAP, by=lending.bob)


def test_a_stale_price_lends_nothing_and_releases_no_needed_collateral(lending: Lending) -> None:
    lending.lend()
    lending.owe(100 * USD, 1000 * ASTRA)
    lending.chain.node.advance(61)
    with reverts("LendingPool: price is stale"):
        lending.pool.invoke("borrow", 1, by=lending.bob)
    with reverts("LendingPool: price is stale"):
        lending.pool.invoke("withdraw_collateral", 1, by=lending.bob)
    lending.pool.invoke("repay", lending.bob.address, MAX, by=lending.bob)
    lending.pool.invoke("withdraw_collateral", 1000 * ASTRA, by=lending.bob)


def test_a_price_that_is_held_back_lends_nothing(lending: Lending) -> None:
    lending.lend()
    lending.owe(100 * USD, 1000 * ASTRA)
    lending.report(DOLLAR * 2).one("PriceHeld")
    with reverts("PriceOracle: price is held back"):
        lending.pool.invoke("borrow", 1, by=lending.bob)


def test_collateral_that_the_debt_needs_stays(lending: Lending) -> None:
    lending.lend()
    lending.owe(300 * USD, 1000 * ASTRA)
    with reverts("LendingPool: not covered"):
        lending.pool.invoke("withdraw_collateral", 601 * ASTRA, by=lending.bob)
    with reverts("LendingPool: too little held"):
        lending.pool.invoke("withdraw_collateral", 1000 * ASTRA + 1, by=lending.bob)
    withdrawn = lending.pool.invoke("withdraw_collateral", 599 * ASTRA, by=lending.bob).one("CollateralWithdrawn")
    assert (withdrawn["borrower"], withdrawn["amount"]) == (lending.bob.address, 599 * ASTRA)
    assert lending.astra.call("balance_of", lending.bob.address) == PLENTY - 401 * ASTRA


def test_collateral_is_counted_by_borrower(lending: Lending) -> None:
    deposited = lending.pool.invoke("deposit_collateral", 5, by=lending.bob).one("CollateralDeposited")
    assert (deposited["borrower"], deposited["amount"]) == (lending.bob.address, 5)
    lending.pool.invoke("deposit_collateral", 7, by=lending.carol)
    held = [lending.pool.call("collateral_of", each.address) for each in (lending.bob, lending.carol, lending.dave)]
    assert (held, lending.pool.call("total_collateral")) == ([5, 7, 0], 12)
    with reverts("LendingPool: too little held"):
        lending.pool.invoke("withdraw_collateral", 6, by=lending.bob)


def test_all_collateral_has_a_limit(lending: Lending) -> None:
    lending.astra.invoke("mint", lending.bob.address, 2**128)
    with reverts("LendingPool: collateral limit"):
        lending.pool.invoke("deposit_collateral", 2**128, by=lending.bob)
    lending.pool.invoke("deposit_collateral", 2**128 - 1, by=lending.bob)
    with reverts("LendingPool: collateral limit"):
        lending.pool.invoke("deposit_collateral", 1, by=lending.carol)


def test_a_debt_is_paid_in_part_and_in_whole(lending: Lending) -> None:
    lending.lend()
    lending.owe(300 * USD, 1000 * ASTRA)
    lending.chain.node.advance(YEAR_S)
    part = lending.pool.invoke("repay", lending.bob.address, 100 * USD, by=lending.carol).one("Repaid")
    assert (part["borrower"], part["payer"], part["amount"]) == (lending.bob.address, lending.carol.address, 100 * USD)
    assert 200 * USD < part["debt"] < 201 * USD
    before = lending.usd.call("balance_of", lending.bob.address)
    rest = lending.pool.invoke("repay", lending.bob.address, MAX, by=lending.bob).one("Repaid")
    assert rest["debt"] == lending.pool.call("debt_of", lending.bob.address) == 0
    assert rest["amount"] == before - lending.usd.call("balance_of", lending.bob.address)
    assert lending.pool.call("scaled_debt_of", lending.bob.address) == lending.market()["scaled_debt"] == 0


def test_payments_that_end_nothing_are_refused(lending: Lending) -> None:
    lending.lend()
    for amount, reason in ((0, "LendingPool: amount is zero"), (1, "LendingPool: no debt")):
        with reverts(reason):
            lending.pool.invoke("repay", lending.bob.address, amount, by=lending.bob)
    lending.owe(100 * USD, 1000 * ASTRA)
    lending.chain.node.advance(YEAR_S)
    with reverts("LendingPool: repays nothing"):
        lending.pool.invoke("repay", lending.bob.address, 1, by=lending.bob)
    with reverts("LendingPool: debt is dust"):
        lending.pool.invoke("repay", lending.bob.address, 95 * USD, by=lending.bob)


def test_a_pause_stops_loans_and_traps_no_collateral(lending: Lending) -> None:
    lending.lend()
    lending.owe(300 * USD, 1000 * ASTRA)
    lending.pool.invoke("pause", by=lending.pauser)
    with reverts("Pausable: paused"):
        lending.pool.invoke("borrow", 1, by=lending.bob)
    with reverts("Pausable: paused"):
        lending.pool.invoke("liquidate", lending.bob.address, 1, by=lending.carol)
    lending.pool.invoke("deposit_collateral", 1, by=lending.bob)
    lending.pool.invoke("accrue", by=lending.dave)
    lending.same_price()
    lending.pool.invoke("withdraw_collateral", 100 * ASTRA, by=lending.bob)
    lending.pool.invoke("repay", lending.bob.address, MAX, by=lending.bob)
    lending.pool.invoke("withdraw_collateral", 900 * ASTRA + 1, by=lending.bob)
    assert lending.astra.call("balance_of", lending.bob.address) == PLENTY


def test_a_lower_cap_leaves_debts_as_they_are(lending: Lending) -> None:
    lending.lend()
    lending.owe(100 * USD, 1000 * ASTRA)
    change(lending.chain, lending.pool, "set_caps", 0, 0)
    lending.same_price()
    with reverts("LendingPool: borrow cap"):
        lending.pool.invoke("borrow", 1, by=lending.bob)
    lending.pool.invoke("repay", lending.bob.address, MAX, by=lending.bob)
