"""The lending pool for those who lend: shares, cash, caps."""

from __future__ import annotations

import pytest

from tests.chain.deployed import reverts
from tests.chain.fees import change
from tests.chain.lending import ASTRA, MAX, PLENTY, SUPPLY_CAP, USD, YEAR_S, Lending

SHARES = 10**6
SEED = 1000


def test_the_first_supply_leaves_shares_that_belong_to_nobody(lending: Lending) -> None:
    supplied = lending.pool.invoke("supply", 5000, by=lending.alice).one("Supplied")
    assert supplied.fields.items() >= {"lender": lending.alice.address, "amount": 5000, "shares": 4000 * SHARES}.items()
    assert lending.market()["shares"] == 5000 * SHARES
    assert lending.pool.call("shares_of", lending.alice.address) == 4000 * SHARES
    assert lending.pool.call("supplied_by", lending.alice.address) == 4000
    lending.pool.invoke("redeem", 4000 * SHARES, by=lending.alice)
    assert (lending.market()["shares"], lending.market()["cash"]) == (SEED * SHARES, SEED)


def test_the_first_supply_is_more_than_the_seed(lending: Lending) -> None:
    with reverts("LendingPool: below the seed"):
        lending.pool.invoke("supply", SEED, by=lending.alice)


def test_who_withdraws_at_once_has_what_was_supplied(lending: Lending) -> None:
    lending.lend()
    before = lending.usd.call("balance_of", lending.carol.address)
    minted = lending.pool.invoke("supply", 777, by=lending.carol).one("Supplied")["shares"]
    assert minted == 777 * SHARES
    withdrawn = lending.pool.invoke("withdraw", 777, by=lending.carol).one("Withdrawn")
    assert (withdrawn["lender"], withdrawn["amount"], withdrawn["shares"]) == (lending.carol.address, 777, minted)
    assert lending.usd.call("balance_of", lending.carol.address) == before


@pytest.mark.parametrize("function", ["supply", "withdraw", "redeem", "deposit_collateral", "withdraw_collateral"])
def test_nothing_is_no_amount(lending: Lending, function: str) -> None:
    lending.lend()
    with reverts("LendingPool: amount is zero"):
        lending.pool.invoke(function, 0, by=lending.alice)


def test_nobody_takes_the_shares_of_another_one(lending: Lending) -> None:
    lending.lend()
    with reverts("LendingPool: not enough shares"):
        lending.pool.invoke("withdraw", 1, by=lending.carol)
    with reverts("LendingPool: not enough shares"):
        lending.pool.invoke("redeem", SHARES, by=lending.carol)
    owned = lending.pool.call("shares_of", lending.alice.address)
    with reverts("LendingPool: not enough shares"):
        lending.pool.invoke("redeem", owned + 1, by=lending.alice)


def test_an_empty_pool_has_nothing_to_withdraw(lending: Lending) -> None:
    with reverts("LendingPool: nothing is left"):
        lending.pool.invoke("withdraw", 1, by=lending.alice)
    with reverts("LendingPool: amount is zero"):
        lending.pool.invoke("redeem", 0, by=lending.alice)


@pytest.mark.parametrize("amount", [2**128, MAX], ids=["2^128", "all"])
def test_an_amount_that_overflows_is_refused(lending: Lending, amount: int) -> None:
    lending.lend()
    for function in ("supply", "deposit_collateral", "borrow"):
        with pytest.raises(Exception, match=r"LendingPool|Overflow|Math: overflow|ERC20"):
            lending.pool.invoke(function, amount, by=lending.bob)
    with pytest.raises(Exception, match=r"LendingPool: not enough shares|Math: overflow"):
        lending.pool.invoke("withdraw", amount, by=lending.alice)
    with pytest.raises(Exception, match=r"LendingPool: not enough shares|Math: overflow"):
        lending.pool.invoke("redeem", amount, by=lending.alice)


def test_what_is_lent_cannot_be_withdrawn(lending: Lending) -> None:
    lending.lend(1000 * USD)
    lending.owe(900 * USD, 2000 * ASTRA)
    with reverts("LendingPool: not enough cash"):
        lending.pool.invoke("withdraw", 101 * USD, by=lending.alice)
    lending.pool.invoke("withdraw", 99 * USD, by=lending.alice)


def test_the_supply_has_a_cap(lending: Lending) -> None:
    lending.pool.invoke("supply", SUPPLY_CAP - 1, by=lending.alice)
    with reverts("LendingPool: supply cap"):
        lending.pool.invoke("supply", 2, by=lending.carol)
    lending.pool.invoke("supply", 1, by=lending.carol)


def test_lenders_earn_what_borrowers_pay_less_the_reserves(lending: Lending) -> None:
    lending.lend(1000 * USD)
    lending.owe(800 * USD, 2000 * ASTRA)
    lending.chain.node.advance(YEAR_S)
    interest = lending.pool.call("debt_of", lending.bob.address) - 800 * USD
    assert interest == pytest.approx(32 * USD, rel=1e-4), "4 % at 80 %"
    market = lending.market()
    assert market["reserves"] // 10**27 == pytest.approx(interest // 10, abs=2 * USD // 1000)
    earned = lending.pool.call("supplied_by", lending.alice.address) - (1000 * USD - SEED)
    assert earned == pytest.approx(interest * 9 // 10, abs=USD // 100)


@pytest.mark.parametrize(("lent", "percent"), [(400, 2), (800, 4), (900, 32), (1000, 60)])
def test_the_rate_has_a_kink(lending: Lending, lent: int, percent: int) -> None:
    lending.lend(1000 * USD)
    assert lending.pool.call("rate") == 0
    lending.owe(lent * USD, 2000 * ASTRA)
    assert lending.pool.call("rate") / 10**27 == pytest.approx(percent / 100, rel=1e-4)


def test_adding_interest_twice_at_one_time_adds_it_once(lending: Lending) -> None:
    lending.lend(1000 * USD)
    lending.owe(800 * USD, 2000 * ASTRA)
    lending.chain.node.advance(1000)
    raw = lending.dave.execute(*[lending.pool.prepare("accrue")] * 3)
    receipt = lending.pool.receipt(raw)
    assert receipt.one("InterestAccrued")["index"] == lending.pool.events("InterestAccrued")[-1]["index"]


def test_the_index_never_passes_its_limit(lending: Lending) -> None:
    lending.lend(1000 * USD)
    lending.owe(1000 * USD, 10**9 * ASTRA)
    for _ in range(3):
        lending.chain.node.advance(200 * YEAR_S)
        lending.pool.invoke("accrue")
    assert lending.market()["index"] == 10**33
    paid = lending.pool.invoke("repay", lending.bob.address, MAX, by=lending.bob).one("Repaid")
    assert (paid["amount"], paid["debt"]) == (1000 * USD * 10**6, 0)
    lending.pool.invoke("redeem", lending.pool.call("shares_of", lending.alice.address), by=lending.alice)


def test_a_pause_stops_supplies_and_no_withdrawal(lending: Lending) -> None:
    lending.lend()
    lending.pool.invoke("pause", by=lending.pauser)
    with reverts("Pausable: paused"):
        lending.pool.invoke("supply", 1000, by=lending.alice)
    lending.pool.invoke("withdraw", 1000, by=lending.alice)
    lending.pool.invoke("redeem", lending.pool.call("shares_of", lending.alice.address), by=lending.alice)
    assert lending.usd.call("balance_of", lending.alice.address) == PLENTY - SEED


def test_lower_caps_trap_nobody(lending: Lending) -> None:
    lending.lend()
    change(lending.chain, lending.pool, "set_caps", 0, 0)
    with reverts("LendingPool: supply cap"):
        lending.pool.invoke("supply", 1, by=lending.alice)
    lending.pool.invoke("redeem", lending.pool.call("shares_of", lending.alice.address), by=lending.alice)
