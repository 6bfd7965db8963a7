"""ASTRA: a plain token with a fixed supply."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.chain.deployed import Chain, Deployed, reverts
from tests.chain.transactions import Account

SUPPLY = 10**27
ANN, BOB = 0xA22, 0xB0B


@pytest.fixture
def astra(chain: Chain) -> Iterator[Deployed]:
    with chain.rolled_back():
        yield chain.deploy("AstraToken", SUPPLY, chain.accounts[0].address)


@pytest.fixture
def holder(chain: Chain) -> Account:
    return chain.accounts[0]


def test_the_whole_supply_belongs_to_the_first_holder(astra: Deployed, holder: Account) -> None:
    assert [astra.call(name) for name in ("name", "symbol", "decimals")] == ["AstraTrade", "ASTRA", 18]
    assert astra.call("total_supply") == astra.call("balance_of", holder.address) == SUPPLY
    (made,) = astra.events()
    assert made.fields == {"from": 0, "to": holder.address, "value": SUPPLY, "sequence": 1}


def test_nobody_can_make_or_take_tokens(astra: Deployed) -> None:
    changing = {name for name, each in astra.contract_class.abi.functions.items() if each["state_mutability"] != "view"}
    assert changing == {"transfer", "transfer_from", "approve"}


def test_a_transfer_moves_tokens(astra: Deployed, holder: Account) -> None:
    receipt = astra.invoke("transfer", ANN, 5)
    assert receipt.one("Transfer").fields == {"from": holder.address, "to": ANN, "value": 5, "sequence": 2}
    assert (astra.call("balance_of", ANN), astra.call("balance_of", holder.address)) == (5, SUPPLY - 5)
    astra.invoke("transfer", holder.address, SUPPLY - 5)
    astra.invoke("transfer", ANN, 0)
    assert astra.call("total_supply") == SUPPLY


def test_a_transfer_beyond_the_balance_or_to_zero_is_refused(astra: Deployed) -> None:
    with reverts("ERC20: insufficient balance"):
        astra.invoke("transfer", ANN, SUPPLY + 1)
    with reverts("ERC20: recipient is zero"):
        astra.invoke("transfer", 0, 1)


def test_an_allowance_is_used_up(chain: Chain, astra: Deployed, holder: Account) -> None:
    spender = chain.accounts[1]
    approved = astra.invoke("approve", spender.address, 10).one("Approval")
    assert approved.fields == {"owner": holder.address, "spender": spender.address, "value": 10, "sequence": 2}
    astra.invoke("transfer_from", holder.address, BOB, 7, by=spender)
    assert (astra.call("allowance", holder.address, spender.address), astra.call("balance_of", BOB)) == (3, 7)
    with reverts("ERC20: insufficient allowance"):
        astra.invoke("transfer_from", holder.address, BOB, 4, by=spender)
    with reverts("ERC20: spender is zero"):
        astra.invoke("approve", 0, 1)


def test_the_largest_allowance_has_no_limit(chain: Chain, astra: Deployed, holder: Account) -> None:
    spender = chain.accounts[1]
    astra.invoke("approve", spender.address, 2**256 - 1)
    astra.invoke("transfer_from", holder.address, BOB, 7, by=spender)
    assert astra.call("allowance", holder.address, spender.address) == 2**256 - 1


def test_the_constructor_refuses_zeros(chain: Chain, holder: Account) -> None:
    with reverts("AstraToken: supply is zero"):
        chain.deploy("AstraToken", 0, holder.address)
    with reverts("ERC20: recipient is zero"):
        chain.deploy("AstraToken", 1, 0)
