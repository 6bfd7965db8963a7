"""Ways in which lending pools were robbed, tried on this one."""

from __future__ import annotations

import pytest

from tests.chain.abi import selector
from tests.chain.deployed import reverts
from tests.chain.fees import change
from tests.chain.lending import ASTRA, MAX, USD, YEAR_S, Lending

SHARES = 10**6
GIFT = 10**9 * USD


def test_a_donation_changes_no_number_of_the_pool(lending: Lending) -> None:
    lending.lend(5000)
    before = lending.market(), lending.pool.call("supplied_by", lending.alice.address)
    lending.usd.invoke("transfer", lending.pool.address, GIFT, by=lending.carol)
    lending.astra.invoke("transfer", lending.pool.address, GIFT, by=lending.carol)
    after = lending.market(), lending.pool.call("supplied_by", lending.alice.address)
    assert [each | {"updated_at": 0} for each in (before[0], after[0])] == [before[0] | {"updated_at": 0}] * 2
    assert before[1] == after[1]
    assert lending.pool.call("total_collateral") == 0
    minted = lending.pool.invoke("supply", 1, by=lending.carol).one("Supplied")["shares"]
    assert minted == SHARES


def test_the_attack_on_zklend_gains_nothing(lending: Lending) -> None:
    """Enter an empty market, give to it, raise what a share is worth, and try to win by rounding.

    zkLend lost 9.5 million dollars in February 2025: gifts raised its accumulator, and withdrawals burnt too little.
    """
    change(lending.chain, lending.pool, "set_caps", 2**100, 2**100)
    lending.pool.invoke("supply", 1001, by=lending.carol)
    lending.usd.invoke("transfer", lending.pool.address, GIFT, by=lending.carol)
    lending.lend(100_000 * USD)
    lending.owe(100_000 * USD, 10**12 * ASTRA, by=lending.dave)
    for _ in range(3):  # up to the largest index that there is
        lending.chain.node.advance(200 * YEAR_S)
        lending.pool.invoke("accrue")
    lending.pool.invoke("repay", lending.dave.address, MAX, by=lending.dave)
    market = lending.market()
    assets = market["cash"] - market["reserves"] // 10**27
    assert 0.8 < assets / market["shares"] <= 1, "a share is worth almost a unit, and can never be worth more"
    before, victims = lending.worth(lending.carol), lending.pool.call("supplied_by", lending.alice.address)
    for amount in (1, 2, 3, 1001, 12_345):
        lending.pool.invoke("supply", amount, by=lending.carol)
        owned = lending.pool.call("supplied_by", lending.carol.address)
        with reverts("LendingPool: not enough shares"):
            lending.pool.invoke("withdraw", owned + 1, by=lending.carol)
        lending.pool.invoke("withdraw", owned // 2, by=lending.carol)
        lending.pool.invoke("redeem", lending.pool.call("shares_of", lending.carol.address), by=lending.carol)
        lending.pool.invoke("supply", owned, by=lending.carol)
    assert lending.worth(lending.carol) <= before
    assert lending.pool.call("supplied_by", lending.alice.address) >= victims
    assert lending.usd.call("balance_of", lending.pool.address) == lending.market()["cash"] + GIFT


@pytest.mark.parametrize("amount", [1, 999, 12_345_678, 10**6 * USD + 1])
def test_loops_within_one_transaction_earn_nothing(lending: Lending, amount: int) -> None:
    lending.lend()
    lending.owe(70_000 * USD, 10**6 * ASTRA)
    lending.chain.node.advance(YEAR_S)
    lending.pool.invoke("supply", 1000 * USD, by=lending.carol)
    lending.pool.invoke("deposit_collateral", 10**6 * ASTRA, by=lending.carol)
    lending.same_price()
    lending.pool.invoke("repay", lending.bob.address, MAX, by=lending.bob)  # so that no interest hides a gain
    before = lending.worth(lending.carol)
    loan = 20 * USD + amount % USD
    pool = lending.pool
    lending.carol.execute(
        pool.prepare("supply", amount),
        pool.prepare("borrow", loan),
        lending.usd.prepare("transfer", pool.address, 5),
        pool.prepare("repay", lending.carol.address, MAX),
        pool.prepare("accrue"),
        pool.prepare("withdraw", amount),
    )
    assert lending.worth(lending.carol) <= before - 5
    assert pool.call("debt_of", lending.carol.address) == 0


@pytest.mark.parametrize("function", ["withdraw", "redeem", "borrow", "withdraw_collateral"])
def test_a_token_that_calls_back_is_refused(lending: Lending, function: str) -> None:
    """The pool pays a token that calls the pool again while it moves the amount."""
    lending.lend()
    lending.pool.invoke("deposit_collateral", 1000 * ASTRA, by=lending.bob)
    token = lending.astra if function == "withdraw_collateral" else lending.usd
    for reentry, arguments in (("accrue", ()), ("repay", (lending.bob.address, 1)), ("withdraw", (1,))):
        calldata = lending.pool.contract_class.abi.encode(reentry, arguments)
        token.invoke("set_reentry", lending.pool.address, selector(reentry), calldata, False)
        by = lending.alice if function in {"withdraw", "redeem"} else lending.bob
        with reverts("ReentrancyGuard: reentrant call"):
            lending.pool.invoke(function, 20 * USD, by=by)


def test_a_token_that_keeps_a_fee_is_refused(lending: Lending) -> None:
    lending.lend()
    lending.owe(100 * USD, 1000 * ASTRA)
    lending.usd.invoke("set_fee", 10_000)
    lending.astra.invoke("set_fee", 10_000)
    for function, arguments in (
        ("supply", (USD,)),
        ("repay", (lending.bob.address, USD)),
        ("deposit_collateral", (ASTRA,)),
    ):
        with reverts("ERC20: another amount arrived"):
            lending.pool.invoke(function, *arguments, by=lending.bob)


def test_a_token_that_refuses_moves_no_number(lending: Lending) -> None:
    lending.lend()
    before = lending.pool.call("shares_of", lending.alice.address)
    lending.usd.invoke("set_refusal", lending.alice.address, 2)
    with reverts("ERC20: transfer failed"):
        lending.pool.invoke("withdraw", USD, by=lending.alice)
    assert lending.pool.call("shares_of", lending.alice.address) == before
