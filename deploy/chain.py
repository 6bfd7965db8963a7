"""What `astratrade chain` does: deploy the contracts of a plan, and check them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from contracts.account.account import Account
from contracts.account.signer import KeystoreSigner
from contracts.clients.contract import At
from contracts.clients.shared.roles import RolesClient
from contracts.deployment.plan import DeploymentError, Plan, Planned, declared_class, parse, planned, reputation_of
from contracts.deployment.steps import Step, acceptance, carry_out, steps_of
from contracts.deployment.verification import Check, code_check
from contracts.deployment.verification import verified as verified_plan
from contracts.indexer.addresses import CLASSES, address_of, padded
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


def read_plan(path: Path) -> Plan:
    """Return the plan of a file.

    Raises:
        DeployError: it cannot be read, or has a fault.
    """
    try:
        return parse(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, DeploymentError) as exc:
        raise DeployError(f"{path}: {exc}") from exc


async def deploy_contracts(
    settings: Settings, plan: Plan, signer: KeystoreSigner, confirm: Confirm
) -> AsyncIterator[str]:
    """Do what the chain lacks of a plan, after a confirmation; yield lines of progress.

    Raises:
        DeployError: it cannot be done.
    """
    async with node_of(settings) as node:
        account = Account(node, int(address_of(plan.deployer), 16), settings.starknet_chain_id, signer)
        async for line in _confirmed(node, account, await steps_of(node, plan), confirm):
            yield line
        if not await steps_of(node, plan):
            for contract in contracts_of(plan):
                yield f"{contract.name} {padded(contract.address)}"
            yield f"ASTRA_INDEXER_CONTRACTS={setting_of(contracts_of(plan))}"


async def accept_ownership(
    settings: Settings, plan: Plan, signer: KeystoreSigner, confirm: Confirm
) -> AsyncIterator[str]:
    """Accept as the owner what the deployer has offered, after a confirmation; yield lines of progress.

    Raises:
        DeployError: it cannot be done.
    """
    async with node_of(settings) as node:
        account = Account(node, int(address_of(plan.owner), 16), settings.starknet_chain_id, signer)
        async for line in _confirmed(node, account, await acceptance(node, plan), confirm):
            yield line


async def _confirmed(node: Node, account: Account, todo: list[Step], confirm: Confirm) -> AsyncIterator[str]:
    if not todo:
        yield "there is nothing to do"
    elif not confirm([step.text for step in todo]):
        yield "nothing was done"
    else:
        async for step, tx_hash in carry_out(account, todo):
            yield f"done: {step.text} ({tx_hash})"


def contracts_of(plan: Plan) -> Iterator[Planned]:
    """Yield the contracts of a plan, and those that they deploy."""
    for contract in planned(plan):
        yield contract
        if contract.name == "Paymaster":
            yield reputation_of(contract)


def setting_of(contracts: Iterable[Planned]) -> str:
    """Return the setting that names the contracts whose events are read."""
    return ",".join(f"{contract.name}:{padded(contract.address)}" for contract in contracts if contract.name in CLASSES)


async def verified(settings: Settings, plan: Plan | None) -> list[Check]:
    """Return what was checked: all contracts of a plan, and the fee contracts of the settings.

    Raises:
        DeployError: they cannot be read.
    """
    collector, splitter = fee_addresses(settings)
    async with node_of(settings) as node:
        checks = await _of_the_settings(node, settings, collector, splitter)
        if plan is not None:
            checks += await verified_plan(node, plan)
            named = {contract.name: padded(contract.address) for contract in planned(plan)}
            same = (named["FeeCollector"], named["FeeSplitter"]) == (collector, splitter)
            fault = "" if same else f"the plan has {named['FeeCollector']} and {named['FeeSplitter']}"
            checks.append(Check("ASTRA_INDEXER_CONTRACTS names the fee contracts of the plan", fault))
        return checks


async def _of_the_settings(node: Node, settings: Settings, collector: str, splitter: str) -> list[Check]:
    head = (await node.head()).ref
    checks = [
        await code_check(node, Planned(name, declared_class(name).class_hash, (), 0, int(address, 16)))
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


async def _belong_together(contracts: FeeContracts, head: BlockRef) -> Check:
    try:
        await contracts.check(head)
    except SettlementError as exc:
        return Check("collector, splitter and token belong together", str(exc))
    return Check("collector, splitter and token belong together", "")


async def _may_settle(node: Node, collector: str, account: str, head: BlockRef) -> Check:
    may = await RolesClient(collector).has_role(At(node, head), SETTLER, account)
    return Check(f"{account} has the role {SETTLER}", "" if may else "it has not")
