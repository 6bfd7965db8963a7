"""Finds what a chain lacks of a plan, and does it step by step. A step is not repeated when it runs again.

Each step is known by what the chain has afterwards: a class, a contract at its address, shares, an owner. So a
deployment that was killed is continued, whatever was sent before.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Final, NamedTuple

from starknet_py.constants import DEFAULT_DEPLOYER_ADDRESS

from contracts.account.account import Account, Signed
from contracts.clients.contract import At, Call, MissingContractError
from contracts.clients.fee_splitter import FeeSplitterClient
from contracts.clients.shared.ownable import OwnableClient
from contracts.deployment.plan import PLAIN, DeploymentError, Plan, Planned, declared_class, first_shares, planned
from contracts.indexer.addresses import address_of, padded
from contracts.indexer.node import CONTRACT_NOT_FOUND, Node, NodeRefusedError, reading

DEPLOYER: Final = int(DEFAULT_DEPLOYER_ADDRESS, 16)
"""The universal deployer, which is on every network."""
CLASS_HASH_NOT_FOUND: Final = 28
WAITS_S: Final = 300.0
POLL_S: Final = 0.5


class Step(NamedTuple):
    """Something that the chain lacks: a class to declare, or calls to make in one transaction."""

    text: str
    declares: str = ""
    calls: tuple[Call, ...] = ()


async def steps_of(node: Node, plan: Plan) -> list[Step]:
    """Return what the chain lacks of a plan, in order.

    Raises:
        DeploymentError: the plan has a fault, or something else is at an address.
        NodeError: the node gives no answer.
    """
    contracts = planned(plan)
    at = At(node, (await node.head()).ref)
    return [
        *await steps(node, contracts),
        *await _first_shares(at, plan, contracts),
        *await _hand_over(at, plan, contracts),
    ]


async def steps(node: Node, contracts: Sequence[Planned]) -> list[Step]:
    """Return which classes and contracts the chain lacks, in order.

    Raises:
        DeploymentError: another class is at an address.
        NodeError: the node gives no answer.
    """
    found: list[Step] = []
    for contract in contracts:
        for name in (*contract.uses, contract.name):
            class_hash = declared_class(name).class_hash
            if not await _knows(node, class_hash):
                found.append(Step(f"declare the class {name} {hex(class_hash)}", declares=name))
        address = padded(contract.address)
        at = await class_at(node, address)
        if at is None:
            found.append(Step(f"deploy {contract.name} at {address}", calls=(_deployment(contract),)))
        elif at != contract.class_hash:
            raise DeploymentError(f"{contract.name} at {address} has the class {hex(at)}")
    return found


async def _first_shares(at: At, plan: Plan, contracts: Sequence[Planned]) -> list[Step]:
    by_name = {contract.name: contract for contract in contracts}
    splitter = FeeSplitterClient(padded(by_name["FeeSplitter"].address))
    shares = first_shares(plan, by_name)
    try:
        if await splitter.epoch(at):
            return []
    except MissingContractError:
        pass
    text = ", ".join(f"{share.beneficiary} {share.ppm} ppm" for share in shares)
    return [Step(f"set the shares of FeeSplitter: {text}", calls=(splitter.set_first_shares(shares),))]


async def _hand_over(at: At, plan: Plan, contracts: Sequence[Planned]) -> list[Step]:
    deployer, owner = address_of(plan.deployer), address_of(plan.owner)
    if deployer == owner:
        return []
    offers, names = [], []
    for contract in contracts:
        client = OwnableClient(padded(contract.address))
        if contract.name not in PLAIN and await _is_to_be_offered(at, client, deployer, owner):
            offers.append(client.transfer_ownership(owner))
            names.append(contract.name)
    text = f"offer the ownership of {', '.join(names)} to {owner}, who has to accept it"
    return [Step(text, calls=tuple(offers))] if offers else []


async def _is_to_be_offered(at: At, contract: OwnableClient, deployer: str, owner: str) -> bool:
    try:
        return await contract.owner(at) == deployer and await contract.pending_owner(at) != owner
    except MissingContractError:
        return True


async def acceptance(node: Node, plan: Plan) -> list[Step]:
    """Return the acceptance of what was offered to the owner of a plan."""
    at, owner = At(node, (await node.head()).ref), address_of(plan.owner)
    names, calls = [], []
    for contract in planned(plan):
        client = OwnableClient(padded(contract.address))
        if contract.name not in PLAIN and await client.pending_owner(at) == owner:
            names.append(contract.name)
            calls.append(client.accept_ownership())
    return [Step(f"accept the ownership of {', '.join(names)}", calls=tuple(calls))] if calls else []


async def _pause() -> None:
    await asyncio.sleep(POLL_S)


async def carry_out(
    account: Account, todo: Sequence[Step], pause: Callable[[], Awaitable[object]] = _pause
) -> AsyncIterator[tuple[Step, str]]:
    """Do the steps one after the other; yield each with its transaction once a block has it.

    Args:
        account: Sends the transactions.
        todo: The steps.
        pause: Is awaited before a transaction is looked for again.

    Raises:
        DeploymentError: a transaction was reverted, or is in no block after 5 minutes.
        NodeError: the node gives no answer, or a transaction would revert.
    """
    for step in todo:
        nonce = await account.nonce()
        if step.declares:
            signed = await account.prepare_declaration(declared_class(step.declares), nonce)
        else:
            signed = await account.prepare(step.calls, nonce)
        await account.send(signed)
        await _wait(account, signed, step.text, pause)
        yield step, signed.tx_hash


def _deployment(contract: Planned) -> Call:
    from_anyone = 0
    calldata = [contract.class_hash, contract.salt, from_anyone, len(contract.calldata), *contract.calldata]
    return Call(DEPLOYER, "deployContract", calldata)


async def _wait(account: Account, signed: Signed, text: str, pause: Callable[[], Awaitable[object]]) -> None:
    """Wait until a block has a transaction: a node has receipts before, and the next step is made as of a block."""
    try:
        async with asyncio.timeout(WAITS_S):
            while True:
                outcome, reason = await account.outcome(signed.tx_hash)
                if outcome == "reverted":
                    raise DeploymentError(f"to {text} was reverted: {reason}")
                if outcome == "succeeded" and await account.nonce() > signed.nonce:
                    return
                await pause()
    except TimeoutError:
        raise DeploymentError(f"to {text} is in no block after {WAITS_S:g} s: {signed.tx_hash}") from None


async def class_at(node: Node, address: str) -> int | None:
    """Return the class of a contract; None when there is none."""
    try:
        found = await node.ask("starknet_getClassHashAt", {"block_id": "latest", "contract_address": address})
    except NodeRefusedError as exc:
        if exc.code == CONTRACT_NOT_FOUND:
            return None
        raise
    with reading("class of a contract"):
        return int(found, 16)


async def _knows(node: Node, class_hash: int) -> bool:
    try:
        await node.ask("starknet_getClass", {"block_id": "latest", "class_hash": hex(class_hash)})
    except NodeRefusedError as exc:
        if exc.code == CLASS_HASH_NOT_FOUND:
            return False
        raise
    return True
