"""What `astratrade chain adopt` does: take over batches of the contract that a restored log lacks."""

from __future__ import annotations

from collections.abc import AsyncIterator

from faust_redis.log import Log

from api.kit.clock import now
from contracts.clients.contract import At
from contracts.deployment.history import events_of
from contracts.indexer.chain_state import BlockRef
from contracts.indexer.node import Node, newest_final
from contracts.settlement.adoption import Adopted, ChainBatch, adopted, batches_in
from contracts.settlement.batches import State
from deploy.chain import Confirm, node_of
from deploy.errors import DeployError
from deploy.fee_settlement import fee_addresses, store_of
from deploy.settings import Settings


async def adopt(settings: Settings, log: Log, confirm: Confirm) -> AsyncIterator[str]:
    """Take over the contract's batches after a confirmation; yield lines of what was done.

    Raises:
        DeployError: there is nothing to take over, a batch is not final yet, or something cannot be read.
        SourceMovedError: settlement wrote meanwhile.
    """
    async with node_of(settings) as node:
        store = store_of(settings, log)
        state = await store.load()
        found = adopted(state, await _final_batches(node, settings))
        if not confirm([*_described(state, found)]):
            yield "nothing was done"
            return
        await store.write(state, found.state, now(), found.opened)
        yield f"done: batch {found.state.last[0]} is the last one"


async def _final_batches(node: Node, settings: Settings) -> list[ChainBatch]:
    collector, _ = fee_addresses(settings)
    head = (await node.head()).ref
    final = await _final_block(node, settings, head)
    batches = batches_in(await events_of(node, At(node, head), "FeeCollector", collector))
    if len(batches) > len(batches_in(await events_of(node, At(node, final), "FeeCollector", collector))):
        raise DeployError(f"batch {batches[-1].number} is not final yet: wait, and try again")
    return batches


async def _final_block(node: Node, settings: Settings, head: BlockRef) -> BlockRef:
    found = await newest_final(node, head, settings.indexer_final_after)
    if found is None:
        raise DeployError("no block is final yet: wait, and try again")
    return found.ref


def _described(before: State, found: Adopted) -> list[str]:
    """Return what would be done, a line each."""
    lines = [f"open batch {number} of the log again" for number in found.opened]
    lines += [
        f"take over batch {each.number} of {sum(each.totals.values())} units: {each.hash}" for each in found.foreign
    ]
    for source in sorted({*before.open, *found.state.open}):
        was, will = before.open.get(source, 0), found.state.open.get(source, 0)
        lines.append(f"open fees of {source}: {was} become {will} (1e-8 USD)" + (", which it owes" if will < 0 else ""))
    return lines
