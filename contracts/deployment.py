"""Deploys the fee contracts: a plan of what a chain lacks, which repeats nothing when it runs again.

Addresses follow from class, arguments and salt, so a plan that was carried out in part is continued.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from importlib.resources import files
from typing import Any, Final, NamedTuple

from starknet_py.constants import DEFAULT_DEPLOYER_ADDRESS
from starknet_py.hash.address import compute_address

from contracts.account.account import Account, DeclaredClass
from contracts.clients.contract import Call
from contracts.indexer.addresses import padded
from contracts.indexer.node import Node, NodeRefusedError

DEPLOYER: Final = int(DEFAULT_DEPLOYER_ADDRESS, 16)
"""The universal deployer, which is on every network."""
CLASS_HASH_NOT_FOUND: Final = 28
CONTRACT_NOT_FOUND: Final = 20
PPM: Final = 1_000_000
WAITS_S: Final = 300.0
POLL_S: Final = 0.5


class DeploymentError(Exception):
    """The contracts cannot be deployed like this, or are not as they should be."""


class Terms(NamedTuple):
    """What the contracts are deployed with. Addresses are numbers; shares are parts per million, the treasury first."""

    owner: int
    pauser: int
    settler: int
    token: int
    shares: Sequence[tuple[int, int]]
    salt: int

    def check(self) -> None:
        """Check what the constructors check.

        Raises:
            DeploymentError: naming the fault.
        """
        if sum(ppm for _, ppm in self.shares) != PPM:
            raise DeploymentError(f"the shares add up to {sum(ppm for _, ppm in self.shares)}, not to {PPM}")
        if len({beneficiary for beneficiary, _ in self.shares}) < len(self.shares):
            raise DeploymentError("a beneficiary has two shares")


class Planned(NamedTuple):
    """A contract at the address that it has, or will have."""

    name: str
    class_hash: int
    calldata: Sequence[int]
    salt: int
    address: int


class Step(NamedTuple):
    """Something that the chain lacks: a class, or a contract."""

    text: str
    contract: Planned
    declares: bool


def planned(terms: Terms) -> tuple[Planned, Planned]:
    """Return splitter and collector.

    Raises:
        DeploymentError: the terms have a fault.
    """
    terms.check()
    shares = [felt for share in terms.shares for felt in share]
    splitter = _planned("FeeSplitter", [terms.owner, terms.pauser, terms.token, len(terms.shares), *shares], terms.salt)
    arguments = [terms.owner, terms.pauser, terms.settler, terms.token, splitter.address]
    return splitter, _planned("FeeCollector", arguments, terms.salt)


def _planned(name: str, calldata: Sequence[int], salt: int) -> Planned:
    class_hash = declared_class(name).class_hash
    address = compute_address(class_hash=class_hash, constructor_calldata=calldata, salt=salt)
    return Planned(name, class_hash, calldata, salt, address)


def declared_class(name: str) -> DeclaredClass:
    """Return a committed class, with the hashes of the lock."""
    folder = files("contracts").joinpath("artifacts")
    parsed = json.loads(folder.joinpath(f"{name}.sierra.json").read_text("utf-8"))
    locked = json.loads(folder.joinpath("lock.json").read_text("utf-8"))["contracts"][name]
    names = ("sierra_program", "contract_class_version", "entry_points_by_type")
    content: Mapping[str, Any] = {each: parsed[each] for each in names} | {"abi": json.dumps(parsed["abi"])}
    return DeclaredClass(content, int(locked["class_hash"], 16), int(locked["compiled_class_hash"], 16))


async def steps(node: Node, contracts: Sequence[Planned]) -> list[Step]:
    """Return what the chain lacks, in order.

    Raises:
        DeploymentError: another class is at an address.
        NodeError: the node gives no answer.
    """
    found: list[Step] = []
    for contract in contracts:
        if not await _knows(node, contract.class_hash):
            found.append(Step(f"declare the class {contract.name} {hex(contract.class_hash)}", contract, True))
        at = await class_at(node, padded(contract.address))
        if at is None:
            found.append(Step(f"deploy {contract.name} at {padded(contract.address)}", contract, False))
        elif at != contract.class_hash:
            raise DeploymentError(f"{contract.name} at {padded(contract.address)} has the class {hex(at)}")
    return found


async def carry_out(node: Node, account: Account, todo: Sequence[Step]) -> AsyncIterator[tuple[Step, str]]:
    """Do the steps one after the other; yield each with its transaction once that has succeeded.

    Raises:
        DeploymentError: a transaction was reverted, or is in no block after 5 minutes.
        NodeError: the node gives no answer, or a transaction would revert.
    """
    for step in todo:
        nonce = await account.nonce()
        if step.declares:
            signed = await account.prepare_declaration(declared_class(step.contract.name), nonce)
        else:
            signed = await account.prepare([_deployment(step.contract)], nonce)
        await account.send(signed)
        await _wait(account, signed.tx_hash, step.text)
        yield step, signed.tx_hash


def _deployment(contract: Planned) -> Call:
    from_anyone = 0
    calldata = [contract.class_hash, contract.salt, from_anyone, len(contract.calldata), *contract.calldata]
    return Call(DEPLOYER, "deployContract", calldata)


async def _wait(account: Account, tx_hash: str, text: str) -> None:
    try:
        async with asyncio.timeout(WAITS_S):
            while True:
                outcome, reason = await account.outcome(tx_hash)
                if outcome == "succeeded":
                    return
                if outcome == "reverted":
                    raise DeploymentError(f"to {text} was reverted: {reason}")
                await asyncio.sleep(POLL_S)
    except TimeoutError:
        raise DeploymentError(f"to {text} is in no block after {WAITS_S:g} s: {tx_hash}") from None


async def class_at(node: Node, address: str) -> int | None:
    """Return the class of a contract; None when there is none."""
    try:
        found = await node.ask("starknet_getClassHashAt", {"block_id": "latest", "contract_address": address})
    except NodeRefusedError as exc:
        if exc.code == CONTRACT_NOT_FOUND:
            return None
        raise
    return int(found, 16)


async def _knows(node: Node, class_hash: int) -> bool:
    try:
        await node.ask("starknet_getClass", {"block_id": "latest", "class_hash": hex(class_hash)})
    except NodeRefusedError as exc:
        if exc.code == CLASS_HASH_NOT_FOUND:
            return False
        raise
    return True
