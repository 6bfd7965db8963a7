"""The indexer on a real node: the facts in the log are those of the node's chain, whatever happens to either.

Blocks of devnet get hashes as on a network from `HashingNode`.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from faust_redis.log import Log

from contracts.indexer.new_heads import NewHeads
from contracts.indexer.service import IndexerService
from tests.chain.conftest import GATE
from tests.chain.fees import Fees
from tests.chain.hashing_node import HashingNode
from tests.chain.indexing import (
    CHAIN_ID,
    amounts,
    amounts_on_chain,
    catch_up,
    contracts,
    events_of,
    folded,
    indexer_of,
)
from tests.chain.node import RpcError
from tests.support.indexer_process import indexer_process

WITHIN_S = 60
ROUNDS = 6
SEEDS = range(50 if os.environ.get(GATE) else 1)


@pytest.fixture
def node(fees: Fees) -> Iterator[HashingNode]:
    with HashingNode(fees.chain.node.url).served() as node:
        yield node


def emit(fees: Fees) -> None:
    """Make three blocks with a fact in each, and other events."""
    fees.settle({"trading": 700, "nft": 40})
    fees.collector.invoke("sweep_fees")
    fees.splitter.invoke("distribute")


async def test_events_become_facts(fees: Fees, node: HashingNode, log: Log) -> None:
    emit(fees)
    async with indexer_of(fees, log, node.url) as indexer:
        await catch_up(indexer)
    events = await events_of(log)
    assert {type(event.data).__name__ for event in events} == {"BatchSettled", "FeesSwept", "FeesDistributed"}
    assert amounts(events) == amounts_on_chain(fees)
    [settled] = [event.data for event in events if type(event.data).__name__ == "BatchSettled"]
    assert {total.source: total.amount for total in settled.totals} == {"trading": 700, "nft": 40}
    assert settled.hash == f"0x{fees.collector.call('batch_hash', 1):064x}"


@pytest.mark.parametrize(
    "depth", [pytest.param(1, marks=pytest.mark.heavy), 2, pytest.param(50, marks=pytest.mark.heavy)]
)
@pytest.mark.sample(1)
async def test_replaced_blocks_are_retracted(fees: Fees, node: HashingNode, log: Log, depth: int) -> None:
    fees.settle({"trading": 700})
    emit(fees)
    for _ in range(depth - 1):
        fees.chain.node.ask("devnet_createBlock")
    async with indexer_of(fees, log, node.url) as indexer:
        await catch_up(indexer)
        with node.changing(height := fees.chain.node.height() - depth):
            fees.chain.node.abort_to(height)
        fees.settle({"nft": 9})
        await catch_up(indexer)
        events = await events_of(log)
        assert amounts(events) == amounts_on_chain(fees)
        assert set(folded(events).values()) == {0, 1}
        assert (indexer.counts.reorgs, indexer.counts.replaced) == (1, depth)


async def test_what_is_accepted_on_l1_is_final(fees: Fees, node: HashingNode, log: Log) -> None:
    emit(fees)
    on_l1 = fees.chain.node.height() - 1
    async with indexer_of(fees, log, node.url) as indexer:
        await catch_up(indexer)
        assert indexer.counts.final == -1
        with node.on_l1(on_l1):
            await catch_up(indexer)
    final = [event.data for event in await events_of(log) if event.data.finality == "final"]
    assert {type(fact).__name__ for fact in final} == {"BatchSettled", "FeesSwept"}


def ends_early(method: str, _: Any, result: Any) -> Any:
    """Leave out the last event, without a token: pathfinder 2913."""
    return {"events": result["events"][:-1]} if method == "starknet_getEvents" else result


def stuck(method: str, _: Any, result: Any) -> Any:
    """Return the same token again and again: juno 2666."""
    return result | {"continuation_token": "1"} if method == "starknet_getEvents" else result


def no_events(method: str, _: Any, result: Any) -> Any:
    """Return no events for a block that has some: pathfinder 3035."""
    return {"events": []} if method == "starknet_getEvents" else result


def other_fork(method: str, _: Any, result: Any) -> Any:
    """Return events that name another block: pathfinder 2925."""
    if method != "starknet_getEvents":
        return result
    return {"events": [each | {"block_hash": "0x123"} for each in result["events"]]}


def away(method: str, _: Any, __: Any) -> Any:
    """Answer nothing but errors."""
    raise RpcError(method, {"code": -32603, "message": "Internal error"})


@pytest.mark.parametrize("fault", [ends_early, stuck, no_events, other_fork])
@pytest.mark.sample(1)
async def test_a_faulty_index_of_events_is_noticed(
    fees: Fees, node: HashingNode, log: Log, fault: Callable[..., Any]
) -> None:
    emit(fees)
    node.fault = fault
    async with indexer_of(fees, log, node.url) as indexer:
        await catch_up(indexer)
    assert amounts(await events_of(log)) == amounts_on_chain(fees)


async def test_a_dying_continuation_token_restarts_the_block(fees: Fees, node: HashingNode, log: Log) -> None:
    emit(fees)
    given: list[str] = []

    def dies(method: str, _: Any, result: Any) -> Any:
        if method == "starknet_getEvents" and result["events"] and not given:
            given.append("of-another-chain")
            return result | {"continuation_token": given[0]}  # devnet itself refuses it
        return result

    node.fault = dies
    async with indexer_of(fees, log, node.url) as indexer:
        assert not await indexer.step()
        await catch_up(indexer)
    assert amounts(await events_of(log)) == amounts_on_chain(fees)


async def test_a_contract_is_added_later(fees: Fees, node: HashingNode, log: Log) -> None:
    """Its facts in final and in open blocks are read, and taken back with these."""
    emit(fees)
    final = fees.chain.node.height()
    emit(fees)
    height = fees.chain.node.height()
    emit(fees)
    with node.on_l1(final):
        async with indexer_of(fees, log, node.url, without="FeeSplitter") as indexer:
            await catch_up(indexer)
        assert {type(event.data).__name__ for event in await events_of(log)} == {"BatchSettled", "FeesSwept"}
        async with indexer_of(fees, log, node.url) as indexer:
            await catch_up(indexer)
            assert amounts(await events_of(log)) == amounts_on_chain(fees)
            with node.changing(height):
                fees.chain.node.abort_to(height)
            fees.settle({"nft": 9})
            await catch_up(indexer)
    events = await events_of(log)
    assert amounts(events) == amounts_on_chain(fees)
    late = Counter(each.data.finality for each in events if type(each.data).__name__ == "FeesDistributed")
    assert late == {"accepted": 9, "final": 3, "retracted": 3}


async def test_the_node_tells_of_new_blocks(fees: Fees, log: Log) -> None:
    heads = NewHeads(fees.chain.node.url.replace("http://", "ws://").replace("/rpc", "/ws"))
    async with indexer_of(fees, log, fees.chain.node.url) as indexer:
        service = IndexerService(indexer, log.check, 10 * WITHIN_S, heads)
        task = asyncio.create_task(service.run())
        try:
            async with asyncio.timeout(WITHIN_S):
                while not heads.connected:  # noqa: ASYNC110 - a thread of the test makes blocks meanwhile
                    await asyncio.sleep(0.05)
                fees.settle({"trading": 700})
                while amounts(await events_of(log)) != amounts_on_chain(fees):  # noqa: ASYNC110 - the log is polled
                    await asyncio.sleep(0.05)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
def environment(fees: Fees, node: HashingNode, broker_url: str, namespace: str, tmp_path: Path) -> dict[str, str]:
    """Return the settings of an indexer process."""
    return {
        "ASTRA_BROKER_URL": broker_url, "ASTRA_NAMESPACE": namespace, "ASTRA_STARKNET_NODE_URL": node.url,
        "ASTRA_STARKNET_CHAIN_ID": CHAIN_ID, "ASTRA_INDEXER_POLL_MS": "50", "ASTRA_DATA_DIR": str(tmp_path),
        "ASTRA_INDEXER_CONTRACTS": ",".join(f"{name}:{address}" for name, address in contracts(fees)),
    }  # fmt: skip


async def wait_until_equal(fees: Fees, log: Log) -> None:
    """Wait until the sums of the log are those of the chain."""
    async with asyncio.timeout(WITHIN_S):
        while amounts(await events_of(log)) != amounts_on_chain(fees):  # noqa: ASYNC110 - another process writes
            await asyncio.sleep(0.2)


@pytest.mark.heavy
@pytest.mark.parametrize("seed", SEEDS)
async def test_kills_and_reorganisations(
    fees: Fees, node: HashingNode, log: Log, environment: dict[str, str], seed: int
) -> None:
    chance = random.Random(seed)
    base = fees.chain.node.height()
    log_file = Path(environment["ASTRA_DATA_DIR"]) / "indexer.log"
    with indexer_process(environment, log_file) as process, indexer_process(environment, log_file):
        for _ in range(ROUNDS):
            for _ in range(chance.randint(1, 3)):
                emit(fees)
            await asyncio.sleep(3 * chance.random())
            if chance.random() < 0.5:
                process.restart()
            node.fault = away if chance.random() < 0.5 else None
            depth = chance.randint(1, fees.chain.node.height() - base)
            with node.changing(height := fees.chain.node.height() - depth):
                fees.chain.node.abort_to(height)
            fees.settle({"nft": chance.randint(1, 99)})
            node.fault = None
            if chance.random() < 0.5:
                await wait_until_equal(fees, log)
        await wait_until_equal(fees, log)
    assert set(folded(await events_of(log)).values()) <= {0, 1}
    assert any(event.data.finality == "retracted" for event in await events_of(log))
