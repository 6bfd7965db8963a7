"""Ownership, roles, pauses, announcements and upgrades, on every contract that has them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import pytest
from poseidon_py.poseidon_hash import poseidon_hash_many

from tests.chain.abi import selector
from tests.chain.deployed import Chain, Deployed, committed, reverts
from tests.chain.fees import DELAY_S, Fees, announce, change
from tests.chain.lending import DOLLAR
from tests.chain.sponsoring import Sponsoring
from tests.chain.staking import Staking
from tests.chain.transactions import RevertedError

COLLATERAL: Final = 0xC0
ORACLE: Final = 0x04
GOVERNED: Final[dict[str, Callable[[Fees], Deployed]]] = {
    "splitter": lambda fees: fees.splitter,
    "collector": lambda fees: fees.collector,
    "staking": lambda fees: Staking.deploy(fees.chain, fees).manager,
    "paymaster": lambda fees: Sponsoring.deploy(fees.chain, fees).paymaster,
    "genesis": lambda fees: fees.chain.deploy(
        "GenesisNFT", fees.owner.address, fees.pauser.address, fees.settler.address
    ),
    "lending pool": lambda fees: fees.chain.deploy(
        "LendingPool", fees.owner.address, fees.pauser.address, fees.usd.address, COLLATERAL, ORACLE, 0, 0, 1
    ),
    "price oracle": lambda fees: fees.chain.deploy(
        "PriceOracle", fees.owner.address, fees.pauser.address, fees.settler.address, DOLLAR
    ),
}
ROLE: Final = "PAUSER"
NEVER_DECLARED: Final = 0xDEAD


IN_CI: Final = ("splitter", "lending pool")
"""The others have the same components; the gate runs all."""


@pytest.fixture(params=[pytest.param(name, marks=[] if name in IN_CI else [pytest.mark.heavy]) for name in GOVERNED])
def governed(request: pytest.FixtureRequest, fees: Fees) -> Deployed:
    """Return a contract with an owner and a pauser, each an account of `fees`."""
    return GOVERNED[request.param](fees)


def test_the_ownership_changes_in_two_steps(fees: Fees, governed: Deployed) -> None:
    assert governed.call("owner") == fees.owner.address
    with reverts("Ownable: not the owner"):
        governed.invoke("transfer_ownership", fees.stranger.address, by=fees.stranger)
    started = governed.invoke("transfer_ownership", fees.stranger.address).one("OwnershipTransferStarted")
    assert started["new_owner"] == governed.call("pending_owner") == fees.stranger.address
    assert governed.call("owner") == fees.owner.address
    with reverts("Ownable: not the pending owner"):
        governed.invoke("accept_ownership", by=fees.owner)
    done = governed.invoke("accept_ownership", by=fees.stranger).one("OwnershipTransferred")
    assert (done["previous_owner"], done["new_owner"]) == (fees.owner.address, fees.stranger.address)
    assert (governed.call("owner"), governed.call("pending_owner")) == (fees.stranger.address, 0)
    with reverts("Ownable: not the owner"):
        governed.invoke("transfer_ownership", fees.owner.address, by=fees.owner)


def test_an_offer_of_the_ownership_can_be_withdrawn(fees: Fees, governed: Deployed) -> None:
    governed.invoke("transfer_ownership", fees.stranger.address)
    governed.invoke("transfer_ownership", 0)
    with reverts("Ownable: not the pending owner"):
        governed.invoke("accept_ownership", by=fees.stranger)


def test_a_role_is_granted_by_an_announcement_alone(chain: Chain, fees: Fees, governed: Deployed) -> None:
    account = fees.stranger.address
    for caller in (fees.owner, fees.pauser, fees.stranger):
        with reverts("Timelock: only when announced"):
            governed.invoke("grant_role", ROLE, account, by=caller)
    granted = change(chain, governed, "grant_role", ROLE, account).one("RoleGranted")
    assert granted["account"] == account
    assert governed.call("has_role", ROLE, account)
    governed.invoke("pause", by=fees.stranger)
    with reverts("Roles: already granted"):
        change(chain, governed, "grant_role", ROLE, account)
    with reverts("Roles: account is zero"):
        change(chain, governed, "grant_role", ROLE, 0)


def test_the_owner_revokes_a_role_at_once(fees: Fees, governed: Deployed) -> None:
    for caller in (fees.pauser, fees.stranger):
        with reverts("Ownable: not the owner"):
            governed.invoke("revoke_role", ROLE, fees.pauser.address, by=caller)
    assert governed.invoke("revoke_role", ROLE, fees.pauser.address).one("RoleRevoked")["role"]
    with reverts("Roles: missing role"):
        governed.invoke("pause", by=fees.pauser)
    with reverts("Roles: not granted"):
        governed.invoke("revoke_role", ROLE, fees.pauser.address)


def test_an_account_leaves_its_own_role_alone(fees: Fees, governed: Deployed) -> None:
    with reverts("Roles: not the account"):
        governed.invoke("renounce_role", ROLE, fees.pauser.address, by=fees.owner)
    governed.invoke("renounce_role", ROLE, fees.pauser.address, by=fees.pauser)
    assert not governed.call("has_role", ROLE, fees.pauser.address)
    with reverts("Roles: not granted"):
        governed.invoke("renounce_role", ROLE, fees.pauser.address, by=fees.pauser)


def test_a_pauser_or_the_owner_pauses_and_the_owner_resumes(fees: Fees, governed: Deployed) -> None:
    with reverts("Roles: missing role"):
        governed.invoke("pause", by=fees.stranger)
    with reverts("Pausable: not paused"):
        governed.invoke("unpause")
    assert governed.invoke("pause", by=fees.pauser).one("Paused")["account"] == fees.pauser.address
    assert governed.call("is_paused")
    with reverts("Pausable: paused"):
        governed.invoke("pause")
    with reverts("Ownable: not the owner"):
        governed.invoke("unpause", by=fees.pauser)
    assert governed.invoke("unpause").one("Unpaused")["account"] == fees.owner.address
    governed.invoke("pause", by=fees.owner)


def test_an_announcement_waits_48_hours_and_is_executed_once(chain: Chain, fees: Fees, governed: Deployed) -> None:
    calldata = governed.contract_class.abi.encode("grant_role", (ROLE, fees.stranger.address))
    with reverts("Timelock: not announced"):
        governed.invoke("execute", selector("grant_role"), calldata)
    announced = governed.invoke("announce", selector("grant_role"), calldata).one("CallAnnounced")
    ready_at = announced["ready_at"]
    assert chain.node.timestamp() - (ready_at - DELAY_S) in (0, 1), "a block may end a second after its transaction"
    assert announced["id"] == poseidon_hash_many([selector("grant_role"), *calldata])
    assert governed.call("ready_at", announced["id"]) == ready_at
    assert (announced["selector"], announced["calldata"]) == (selector("grant_role"), calldata)
    with reverts("Timelock: already announced"):
        governed.invoke("announce", selector("grant_role"), calldata)
    with reverts("Timelock: too early"):
        governed.invoke("execute", selector("grant_role"), calldata)
    chain.node.advance(DELAY_S)
    with reverts("Timelock: not announced"):
        governed.invoke("execute", selector("revoke_role"), calldata)
    assert governed.invoke("execute", selector("grant_role"), calldata).one("CallExecuted")["id"] == announced["id"]
    with reverts("Timelock: not announced"):
        governed.invoke("execute", selector("grant_role"), calldata)


def test_only_the_owner_announces_executes_and_cancels(chain: Chain, fees: Fees, governed: Deployed) -> None:
    change_of = announce(governed, "grant_role", ROLE, fees.stranger.address)
    chain.node.advance(DELAY_S)
    id_ = poseidon_hash_many([change_of[0], *change_of[1]])
    for function, arguments in (("announce", change_of), ("execute", change_of), ("cancel", (id_,))):
        for caller in (fees.pauser, fees.stranger):
            with reverts("Ownable: not the owner"):
                governed.invoke(function, *arguments, by=caller)
    governed.invoke("execute", *change_of)


def test_a_cancelled_announcement_is_not_executed(chain: Chain, fees: Fees, governed: Deployed) -> None:
    announced = announce(governed, "grant_role", ROLE, fees.stranger.address)
    id_ = poseidon_hash_many([announced[0], *announced[1]])
    assert governed.invoke("cancel", id_).one("CallCancelled")["id"] == id_
    with reverts("Timelock: not announced"):
        governed.invoke("cancel", id_)
    chain.node.advance(DELAY_S)
    with reverts("Timelock: not announced"):
        governed.invoke("execute", *announced)


def test_the_code_is_replaced_by_an_announcement_alone(chain: Chain, fees: Fees, governed: Deployed) -> None:
    other = committed("AstraToken")
    chain.declare(other)
    with reverts("Timelock: only when announced"):
        governed.invoke("upgrade", other.class_hash)
    with chain.rolled_back(), reverts("Timelock: class hash is zero"):
        change(chain, governed, "upgrade", 0)
    with chain.rolled_back(), pytest.raises(RevertedError, match="not declared"):
        change(chain, governed, "upgrade", NEVER_DECLARED)
    assert change(chain, governed, "upgrade", other.class_hash).one("Upgraded")["class_hash"] == other.class_hash
    upgraded = Deployed(chain.node, governed.address, other, governed.deployer)
    assert upgraded.call("decimals") == 0, "the storage stays, and has no decimals"
    assert upgraded.call("sequence") > 0


def test_every_event_has_the_next_number(chain: Chain, fees: Fees, governed: Deployed) -> None:
    change(chain, governed, "grant_role", ROLE, fees.stranger.address)
    governed.invoke("pause")
    governed.invoke("unpause")
    governed.invoke("transfer_ownership", fees.stranger.address)
    fees.settle({"trading": 10})
    fees.collector.invoke("sweep_fees")
    fees.splitter.invoke("distribute")
    numbers = [event["sequence"] for event in governed.events()]
    assert numbers == list(range(1, governed.call("sequence") + 1))


def test_the_years_that_a_test_lets_pass_are_undone(fees: Fees) -> None:
    before = fees.chain.node.timestamp()
    with fees.chain.rolled_back():
        fees.chain.node.advance(1_000 * 365 * 24 * 3600)
    fees.usd.invoke("mint", fees.stranger.address, 1)
    assert fees.chain.node.timestamp() < before + 3_600
