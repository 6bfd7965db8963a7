"""Reputation: one token a user, which never moves and which the paymaster alone writes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.chain.deployed import Chain, Deployed, reverts
from tests.chain.node import ContractError

ANN, BOB = 0xA22, 0xB0B


@pytest.fixture(scope="module")
def deployed_reputation(chain: Chain) -> Iterator[Deployed]:
    with chain.rolled_back():
        yield chain.deploy("Reputation", chain.accounts[0].address)


@pytest.fixture
def reputation(chain: Chain, deployed_reputation: Deployed) -> Iterator[Deployed]:
    """Return a token whose paymaster is the first account."""
    with chain.rolled_back():
        yield deployed_reputation


def test_the_first_record_makes_the_token(chain: Chain, reputation: Deployed) -> None:
    receipt = reputation.invoke("raise", ANN, 0)
    assert receipt.one("Transfer").fields == {"from": 0, "to": ANN, "token_id": 1, "sequence": 1}
    raised = {"sequence": 2, "account": ANN, "experience": 0, "tier": 1}
    assert receipt.one("ReputationRaised").fields == raised
    reputation.invoke("raise", BOB, 15_000)
    assert [reputation.call("token_of", each) for each in (ANN, BOB, 0xE)] == [1, 2, 0]
    assert [reputation.call("tier", each) for each in (ANN, BOB, 0xE)] == [1, 3, 0]
    assert [reputation.call("balance_of", each) for each in (ANN, BOB, 0xE)] == [1, 1, 0]
    assert (reputation.call("owner_of", 2), reputation.call("total_supply")) == (BOB, 2)
    assert [reputation.call(name) for name in ("name", "symbol")] == ["AstraTrade Reputation", "REP"]
    assert reputation.call("paymaster") == chain.accounts[0].address


def test_a_user_has_one_token(reputation: Deployed) -> None:
    reputation.invoke("raise", ANN, 1)
    assert [event.name for event in reputation.invoke("raise", ANN, 7).events] == ["ReputationRaised"]
    assert (reputation.call("balance_of", ANN), reputation.call("total_supply")) == (1, 1)
    assert reputation.call("experience", ANN) == 7


@pytest.mark.parametrize("experience", [0, 6, 7])
def test_experience_never_falls_and_is_not_recorded_twice(reputation: Deployed, experience: int) -> None:
    reputation.invoke("raise", ANN, 7)
    with reverts("Reputation: not higher"):
        reputation.invoke("raise", ANN, experience)


def test_the_largest_experience_is_in_the_last_tier(reputation: Deployed) -> None:
    reputation.invoke("raise", ANN, 2**64 - 1)
    assert reputation.call("tier", ANN) == 5


def test_only_the_paymaster_writes(chain: Chain, reputation: Deployed) -> None:
    with reverts("Reputation: not the paymaster"):
        reputation.invoke("raise", ANN, 1, by=chain.accounts[1])
    functions = reputation.contract_class.abi.functions
    assert {name for name, each in functions.items() if each["state_mutability"] != "view"} == {"raise"}


def test_there_is_no_token_for_nobody(chain: Chain, reputation: Deployed) -> None:
    with reverts("Reputation: account is zero"):
        reputation.invoke("raise", 0, 1)
    with pytest.raises(ContractError, match="Reputation: no such token"):
        reputation.call("owner_of", 1)
    with reverts("Reputation: paymaster is zero"):
        chain.deploy("Reputation", 0)
