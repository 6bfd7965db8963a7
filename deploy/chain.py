"""What `astratrade chain` does: deploy the fee contracts, show them, and check them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Final, NamedTuple

from contracts.account.account import Account
from contracts.account.signer import KeystoreSigner
from contracts.clients.contract import At
from contracts.clients.shared.pausable import PausableClient
from contracts.clients.shared.roles import RolesClient
from contracts.deployment import (
    DeploymentError,
    Planned,
    Terms,
    carry_out,
    class_at,
    declared_class,
    planned,
    steps,
)
from contracts.indexer.addresses import padded
from contracts.indexer.chain_state import BlockRef
from contracts.indexer.errors import NodeError
from contracts.indexer.node import Node
from contracts.settlement.errors import SettlementError
from contracts.settlement.fee_contracts import FeeContracts
from deploy.errors import DeployError, SettingsError
from deploy.fee_settlement import fee_addresses
from deploy.settings import Settings

SETTLER: Final = "SETTLER"

Confirm = Callable[[list[str]], bool]
"""Shows a plan, and returns whether to carry it out."""


class Check(NamedTuple):
    """Something that has to hold of the contracts, and what is wrong; empty when it holds."""

    text: str
    fault: str


@asynccontextmanager
async def node_of(settings: Settings) -> AsyncIterator[Node]:
    """Return the node of the settings, checked to be of their chain.

    Raises:
        DeployError: no node is configured, it is of another chain, or it gives no answer.
    """
    if settings.starknet_node_url is None:
        raise SettingsError("set ASTRA_STARKNET_NODE_URL to a node of the chain")
    node = Node(settings.starknet_node_url.get_secret_value())
    try:
        chain_id = await node.chain_id()
        if chain_id != settings.starknet_chain_id:
            raise DeployError(f"the node is of {chain_id}, and ASTRA_STARKNET_CHAIN_ID is {settings.starknet_chain_id}")
        yield node
    except (NodeError, DeploymentError, SettlementError) as exc:
        raise DeployError(str(exc)) from exc
    finally:
        await node.close()


async def deploy_contracts(
    settings: Settings, terms: Terms, account: tuple[int, KeystoreSigner], confirm: Confirm
) -> AsyncIterator[str]:
    """Deploy what the chain lacks, after a confirmation; yield lines of progress.

    Raises:
        DeployError: it cannot be done.
    """
    async with node_of(settings) as node:
        contracts = planned(terms)
        todo = await steps(node, contracts)
        if todo and not confirm([step.text for step in todo]):
            yield "nothing was done"
            return
        address, signer = account
        sender = Account(node, address, settings.starknet_chain_id, signer)
        async for step, tx_hash in carry_out(node, sender, todo):
            yield f"done: {step.text} ({tx_hash})"
        yield "all contracts are deployed"
        yield f"ASTRA_INDEXER_CONTRACTS={setting_of(contracts)}"


def setting_of(contracts: tuple[Planned, ...]) -> str:
    """Return the setting that names contracts."""
    return ",".join(f"{contract.name}:{padded(contract.address)}" for contract in contracts)


async def status(settings: Settings) -> list[str]:
    """Return lines that say what the contracts of the settings hold.

    Raises:
        DeployError: they cannot be read.
    """
    collector_address, splitter_address = fee_addresses(settings)
    async with node_of(settings) as node:
        head = (await node.head()).ref
        contracts = FeeContracts(node, collector_address, splitter_address)
        await contracts.check(head)
        collector = await contracts.collector_at(head, ())
        splitter = await contracts.splitter_at(head)
        return [
            f"block {head.number} {head.hash}, in units of 1e-6 USD",
            f"FeeCollector {collector_address}" + await _stopped(node, collector_address, head),
            f"  last batch {collector.last[0]} {collector.last[1]}",
            f"  settled {collector.settled}, swept {collector.swept}, balance {collector.balance}",
            f"  surplus {collector.surplus}",
            f"FeeSplitter {splitter_address}" + await _stopped(node, splitter_address, head),
            f"  received {splitter.received}, released {splitter.released}, balance {splitter.balance}",
        ]


async def verified(settings: Settings) -> list[Check]:
    """Return what was checked of the contracts of the settings.

    Raises:
        DeployError: they cannot be read.
    """
    collector, splitter = fee_addresses(settings)
    async with node_of(settings) as node:
        head = (await node.head()).ref
        checks = [
            await _class_check(node, name, address)
            for name, address in (("FeeCollector", collector), ("FeeSplitter", splitter))
        ]
        if not any(check.fault for check in checks):
            checks.append(await _belong_together(FeeContracts(node, collector, splitter), head))
            if settings.settlement_account:
                checks.append(await _may_settle(node, collector, settings.settlement_account, head))
        return checks


def lines_of(checks: list[Check]) -> Iterator[str]:
    """Yield a line for each check."""
    for check in checks:
        yield f"FAILS: {check.text}: {check.fault}" if check.fault else f"holds: {check.text}"


async def _class_check(node: Node, name: str, address: str) -> Check:
    found, expected = await class_at(node, address), declared_class(name).class_hash
    text = f"{address} has the class of {name} in this release"
    if found is None:
        return Check(text, "there is no contract")
    return Check(text, "" if found == expected else f"{hex(found)} instead of {hex(expected)}")


async def _belong_together(contracts: FeeContracts, head: BlockRef) -> Check:
    try:
        await contracts.check(head)
    except SettlementError as exc:
        return Check("collector, splitter and token belong together", str(exc))
    return Check("collector, splitter and token belong together", "")


async def _may_settle(node: Node, collector: str, account: str, head: BlockRef) -> Check:
    may = await RolesClient(collector).has_role(At(node, head), SETTLER, account)
    return Check(f"{account} has the role {SETTLER}", "" if may else "it has not")


async def _stopped(node: Node, address: str, head: BlockRef) -> str:
    return ", paused" if await PausableClient(address).is_paused(At(node, head)) else ""
