"""What `astratrade chain status` shows: the fee contracts, the account that settles, and settlement's own state."""

from __future__ import annotations

from collections.abc import AsyncIterator

from faust_redis.log import Log

from contracts.account.account import outcome_of
from contracts.account.gas_balance import GAS_TOKEN
from contracts.clients.contract import At
from contracts.clients.shared.erc20 import ERC20Client
from contracts.clients.shared.pausable import PausableClient
from contracts.clients.shared.roles import RolesClient
from contracts.deployment.history import history_of
from contracts.deployment.verification import function_of
from contracts.indexer.node import Node
from contracts.settlement.batches import Batch, State
from contracts.settlement.fee_contracts import FeeContracts
from deploy.chain import SETTLER, node_of
from deploy.fee_settlement import fee_addresses, store_of
from deploy.settings import Settings
from streams.units import TOKEN_UNIT


async def status(settings: Settings, log: Log) -> list[str]:
    """Return lines that say what contracts, account and settlement hold.

    Raises:
        DeployError: they cannot be read.
        LogError: the log is away.
    """
    collector_address, splitter_address = fee_addresses(settings)
    async with node_of(settings) as node:
        at = At(node, (await node.head()).ref)
        contracts = FeeContracts(node, collector_address, splitter_address)
        await contracts.check(at.block)
        state = await store_of(settings, log).load()
        lines = [f"block {at.block.number} {at.block.hash}, in units of 1e-6 USD"]
        lines += [line async for line in _collector(at, contracts)]
        lines += [line async for line in _splitter(at, contracts)]
        lines += [line async for line in _account(at, contracts, settings.settlement_account)]
        return [*lines, *[line async for line in _of_settlement(node, state)]]


async def _collector(at: At, contracts: FeeContracts) -> AsyncIterator[str]:
    found = await contracts.collector_at(at.block, ())
    yield f"FeeCollector {contracts.collector.address}" + await _stopped(at, contracts.collector.address)
    yield f"  last batch {found.last[0]} {found.last[1]}"
    yield f"  settled {found.settled}, swept {found.swept}, balance {found.balance}"
    yield f"  surplus {found.surplus}"
    for line in await _announced(at, contracts, "FeeCollector"):
        yield line


async def _splitter(at: At, contracts: FeeContracts) -> AsyncIterator[str]:
    found, splitter = await contracts.splitter_at(at.block), contracts.splitter
    yield f"FeeSplitter {splitter.address}" + await _stopped(at, splitter.address)
    yield f"  received {found.received}, released {found.released}, balance {found.balance}"
    for share in await splitter.shares(at):
        due, released = await splitter.due(at, share.beneficiary), await splitter.released(at, share.beneficiary)
        yield f"  {share.beneficiary} {share.ppm} ppm: due {due}, released {released}"
    for line in await _announced(at, contracts, "FeeSplitter"):
        yield line


async def _account(at: At, contracts: FeeContracts, account: str) -> AsyncIterator[str]:
    if account:
        gas = await ERC20Client(GAS_TOKEN).balance_of(at, account)
        yield f"account {account}"
        yield f"  balance {await contracts.balance(account, at.block)}, gas token {gas} (1e-18 STRK)"
        may = await RolesClient(contracts.collector.address).has_role(at, SETTLER, account)
        number = await contracts.node.nonce(account)
        yield f"  {'has' if may else 'LACKS'} the role {SETTLER}; its next transaction has the number {number}"


async def _stopped(at: At, address: str) -> str:
    return ", paused" if await PausableClient(address).is_paused(at) else ""


async def _announced(at: At, contracts: FeeContracts, class_name: str) -> list[str]:
    address = {"FeeCollector": contracts.collector, "FeeSplitter": contracts.splitter}[class_name].address
    history = await history_of(contracts.node, at, class_name, address)
    return [
        f"  announced: {function_of(class_name, each)}, from {each.ready_at} s since 1970 ({each.id})"
        for each in history.announced.values()
    ]


async def _of_settlement(node: Node, state: State) -> AsyncIterator[str]:
    """Yield what the log has."""
    yield f"settlement: batch {state.last[0]} is the last closed one, {state.confirmed[0]} the last confirmed one"
    for batch in state.batches:
        yield f"  batch {batch.number} of {batch.amount}: {batch.status}{await _transaction(node, batch)}"
    held = sum(state.open.values())
    yield f"  open fees {held} (1e-8 USD), {held // TOKEN_UNIT} whole units"


async def _transaction(node: Node, batch: Batch) -> str:
    if not batch.tx_hash:
        return ""
    outcome, reason = await outcome_of(node, batch.tx_hash)
    return f" by {batch.tx_hash} (number {batch.nonce}), {outcome}" + (f": {reason}" if reason else "")
