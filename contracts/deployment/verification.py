"""Compares the contracts of a chain with the plan that they were deployed by, and with this release."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Final, NamedTuple

from starknet_py.hash.selector import get_selector_from_name

from contracts.account.account import DeclaredClass
from contracts.clients.contract import At
from contracts.clients.fee_collector import FeeCollectorClient
from contracts.clients.fee_splitter import FeeSplitterClient
from contracts.clients.lending_pool import LendingPoolClient
from contracts.clients.paymaster import PaymasterClient
from contracts.clients.shared.ownable import OwnableClient
from contracts.clients.shared.timelock import CallAnnounced
from contracts.clients.staking_manager import StakingManagerClient
from contracts.deployment.history import History, history_of
from contracts.deployment.plan import PLAIN, Plan, Planned, declared_class, first_shares, planned, reputation_of
from contracts.deployment.steps import class_at
from contracts.indexer.addresses import address_of, padded
from contracts.indexer.node import Node, reading

Named = FeeCollectorClient | StakingManagerClient | PaymasterClient
SPLITTER_IN: Final[Mapping[str, type[Named]]] = {
    "FeeCollector": FeeCollectorClient,
    "StakingManager": StakingManagerClient,
    "Paymaster": PaymasterClient,
}


class Check(NamedTuple):
    """Something that has to hold of the contracts, and what is wrong; empty when it holds.

    Without the right code (`of_code`), a contract cannot be asked for the rest.
    """

    text: str
    fault: str
    of_code: bool = False


def _holders(plan: Plan) -> Mapping[str, Mapping[str, str]]:
    """Return who holds the roles of each contract beside PAUSER."""
    found: dict[str, Mapping[str, str]] = {"FeeCollector": {"SETTLER": plan.settler}}
    if plan.paymaster:
        found["Paymaster"] = {"SPONSOR": plan.paymaster.sponsor, "RECORDER": plan.paymaster.recorder}
    if plan.genesis:
        found["GenesisNFT"] = {"MINTER": plan.genesis.minter}
    if plan.oracle:
        found["PriceOracle"] = {"FEEDER": plan.oracle.feeder}
    return found


async def verified(node: Node, plan: Plan) -> list[Check]:
    """Return what was checked of the contracts of a plan, as of the newest block.

    Raises:
        DeploymentError: the plan has a fault.
        NodeError: the node gives no answer.
    """
    contracts = {contract.name: contract for contract in planned(plan)}
    at = At(node, (await node.head()).ref)
    checks = []
    for contract in contracts.values():
        checks += [check async for check in _checked(node, at, plan, contract)]
        if contract.name == "Paymaster":
            checks.append(await code_check(node, reputation_of(contract)))
    if not any(check.fault for check in checks if check.of_code):
        checks += [check async for check in _related(at, plan, contracts)]
    return checks


async def code_check(node: Node, contract: Planned) -> Check:
    """Return whether the code at an address is that of this release."""
    address = padded(contract.address)
    text = f"{contract.name} {address} has the code of this release"
    found = await class_at(node, address)
    if found is None:
        return Check(text, "there is no contract", of_code=True)
    if found != contract.class_hash:
        return Check(text, f"it has the class {hex(found)} instead of {hex(contract.class_hash)}", of_code=True)
    answer = await node.ask("starknet_getClassAt", {"block_id": "latest", "contract_address": address})
    with reading(f"class of {address}"):
        same = _is_the_code(answer, declared_class(contract.name))
    return Check(text, "" if same else "the node has another program", of_code=True)


def _is_the_code(answer: Mapping[str, object], declared: DeclaredClass) -> bool:
    """Return whether a class of a node has our program and interface; the lock has their hash."""
    names = ("sierra_program", "entry_points_by_type")
    same = all(answer.get(name) == declared.content[name] for name in names)
    return same and json.loads(str(answer.get("abi"))) == json.loads(declared.content["abi"])


async def _checked(node: Node, at: At, plan: Plan, contract: Planned) -> AsyncIterator[Check]:
    code = await code_check(node, contract)
    yield code
    if code.fault or contract.name in PLAIN:
        return
    address = padded(contract.address)
    history = await history_of(node, at, contract.name, address)
    yield await _owner(at, contract.name, OwnableClient(address), address_of(plan.owner))
    yield _roles(plan, contract.name, history)
    pending = [_announcement(contract.name, each) for each in history.announced.values()]
    yield Check(f"{contract.name} has no announced change", "; ".join(pending))


async def _owner(at: At, name: str, contract: OwnableClient, expected: str) -> Check:
    owner, pending = await contract.owner(at), await contract.pending_owner(at)
    text = f"{name} belongs to {expected}"
    if owner != expected:
        return Check(text, f"{owner} owns it" + (", until the owner accepts it" if pending == expected else ""))
    nobody = padded(0)
    return Check(text, "" if pending == nobody else f"it is offered to {pending}")


def _roles(plan: Plan, name: str, history: History) -> Check:
    holders = {**_holders(plan).get(name, {}), "PAUSER": plan.pauser}
    expected = {(role, address_of(holder)) for role, holder in holders.items()}
    listed = ", ".join(f"{role} {holder}" for role, holder in sorted(expected))
    lacking = [f"{holder} does not have {role}" for role, holder in sorted(expected - history.roles)]
    beyond = [f"{holder} has {role}, too" for role, holder in sorted(history.roles - expected)]
    return Check(f"the roles of {name} are {listed}", "; ".join(lacking + beyond))


def _announcement(name: str, announced: CallAnnounced) -> str:
    return f"{function_of(name, announced)} is announced for {announced.ready_at} s since 1970 ({announced.id})"


def function_of(name: str, announced: CallAnnounced) -> str:
    """Return the name of the announced function, or its selector when the class has none."""
    interfaces = [each for each in json.loads(declared_class(name).content["abi"]) if each["type"] == "interface"]
    names = (item["name"] for each in interfaces for item in each["items"])
    return next((each for each in names if get_selector_from_name(each) == announced.selector), hex(announced.selector))


async def _related(at: At, plan: Plan, contracts: Mapping[str, Planned]) -> AsyncIterator[Check]:
    """Yield whether the contracts name each other, and share as planned."""
    address = padded(contracts["FeeSplitter"].address)
    shares = await FeeSplitterClient(address).shares(at)
    fault = "" if shares == first_shares(plan, contracts) else _shares_text(shares)
    yield Check("FeeSplitter has the shares of the plan", fault)
    for name, client in SPLITTER_IN.items():
        if name in contracts:
            found = await client(padded(contracts[name].address)).splitter(at)
            yield Check(f"{name} names the splitter {address}", "" if found == address else f"it names {found}")
    if "LendingPool" in contracts:
        oracle = padded(contracts["PriceOracle"].address)
        found = await LendingPoolClient(padded(contracts["LendingPool"].address)).oracle(at)
        yield Check(f"LendingPool names the oracle {oracle}", "" if found == oracle else f"it names {found}")


def _shares_text(shares: Sequence[object]) -> str:
    return f"it has {', '.join(map(str, shares))}" if shares else "it has none"
