"""What an announcement changes in the lending pool, and how it is deployed."""

from __future__ import annotations

import pytest

from tests.chain.deployed import reverts
from tests.chain.fees import change
from tests.chain.lending import ASTRA, BORROW_CAP, DOLLAR, MAX, MIN_DEBT, SUPPLY_CAP, USD, YEAR_S, Lending

LARGEST = 2**100


@pytest.mark.parametrize("function", ["set_caps", "set_oracle", "withdraw_reserves"])
def test_a_parameter_changes_by_an_announcement_alone(lending: Lending, function: str) -> None:
    arguments = {"set_caps": (1, 1), "set_oracle": (1,), "withdraw_reserves": (1, 1)}[function]
    for account in (lending.owner, lending.pauser, lending.alice):
        with reverts("Timelock: only when announced"):
            lending.pool.invoke(function, *arguments, by=account)


def test_the_caps_change(lending: Lending) -> None:
    changed = change(lending.chain, lending.pool, "set_caps", LARGEST, 5).one("CapsChanged")
    assert (changed["supply_cap"], changed["borrow_cap"]) == (LARGEST, 5)
    assert (lending.pool.call("supply_cap"), lending.pool.call("borrow_cap")) == (LARGEST, 5)
    for caps in ((LARGEST + 1, 1), (1, LARGEST + 1)):
        with reverts("LendingPool: cap too large"):
            change(lending.chain, lending.pool, "set_caps", *caps)


def test_the_oracle_changes(lending: Lending) -> None:
    roles = lending.owner.address, lending.pauser.address, lending.feeder.address
    other = lending.chain.deploy("PriceOracle", *roles, DOLLAR)
    changed = change(lending.chain, lending.pool, "set_oracle", other.address).one("OracleChanged")
    assert changed["oracle"] == lending.pool.call("oracle") == other.address
    with reverts("LendingPool: oracle is zero"):
        change(lending.chain, lending.pool, "set_oracle", 0)


def test_reserves_are_paid_and_no_more_than_there_are(lending: Lending) -> None:
    lending.lend(1000 * USD)
    lending.owe(800 * USD, 2000 * ASTRA)
    lending.chain.node.advance(YEAR_S)
    claim = lending.pool.call("supplied_by", lending.alice.address)
    paid = change(lending.chain, lending.pool, "withdraw_reserves", 0xFEE, 3 * USD).one("ReservesWithdrawn")
    assert (paid["recipient"], paid["amount"]) == (0xFEE, 3 * USD)
    assert lending.usd.call("balance_of", 0xFEE) == 3 * USD
    assert lending.pool.call("supplied_by", lending.alice.address) >= claim
    with reverts("LendingPool: too few reserves"):
        change(lending.chain, lending.pool, "withdraw_reserves", 0xFEE, 3 * USD)
    for recipient, amount, reason in (
        (0, 1, "LendingPool: recipient is zero"),
        (lending.pool.address, 1, "LendingPool: pays itself"),
        (0xFEE, 0, "LendingPool: amount is zero"),
    ):
        with reverts(reason):
            change(lending.chain, lending.pool, "withdraw_reserves", recipient, amount)


def test_reserves_need_cash(lending: Lending) -> None:
    lending.lend(1000 * USD)
    lending.owe(1000 * USD, 2000 * ASTRA)
    lending.chain.node.advance(YEAR_S)
    with reverts("LendingPool: not enough cash"):
        change(lending.chain, lending.pool, "withdraw_reserves", 0xFEE, 3 * USD)


def test_the_pool_is_deployed_with_two_tokens_and_sound_limits(lending: Lending) -> None:
    good = [lending.owner.address, lending.pauser.address, lending.usd.address, lending.astra.address]
    good += [lending.oracle.address, SUPPLY_CAP, BORROW_CAP, MIN_DEBT]
    wrong = (
        (0, 0, "Ownable: owner is zero"),
        (1, 0, "Roles: account is zero"),
        (2, 0, "LendingPool: asset is zero"),
        (3, 0, "LendingPool: collateral is zero"),
        (3, lending.usd.address, "LendingPool: one token"),
        (4, 0, "LendingPool: oracle is zero"),
        (5, LARGEST + 1, "LendingPool: cap too large"),
        (6, MAX, "LendingPool: cap too large"),
        (7, 0, "LendingPool: min debt is zero"),
    )
    for place, value, reason in wrong:
        arguments = [value if i == place else each for i, each in enumerate(good)]
        with lending.chain.rolled_back(), reverts(reason):
            lending.chain.deploy("LendingPool", *arguments)
    names = ("asset", "collateral", "oracle", "supply_cap", "borrow_cap", "min_debt")
    assert [lending.pool.call(name) for name in names] == good[2:]
