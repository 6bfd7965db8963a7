"""Indexers of the fee contracts on the node of the tests, and what the log has to hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from faust_redis.log import Log, TopicPartition, TopicSpec

from contracts.indexer.addresses import Contract, contracts_of, padded
from contracts.indexer.blocks import Blocks
from contracts.indexer.indexer import Indexer, Policy
from contracts.indexer.node import Node as IndexedNode
from contracts.indexer.store import StateStore
from streams.events import decode
from streams.spans import Spans
from streams.times import Instant
from streams.topics import CHAIN_EVENTS
from tests.chain.fees import Fees

CHAIN_ID = "SN_SEPOLIA"
FACTS = TopicSpec(CHAIN_EVENTS, 4)
STATE = TopicSpec("test-chain-blocks-changelog", 1, "compact")
KINDS = ("BatchSettled", "FeesSwept", "FeesDistributed")
NOW = Instant(1_700_000_000_000_000)


def contracts(fees: Fees) -> tuple[Contract, ...]:
    """Return the setting of the contracts, parsed."""
    return contracts_of(f"FeeCollector:{hex(fees.collector.address)},FeeSplitter:{hex(fees.splitter.address)}")


@asynccontextmanager
async def indexer_of(
    fees: Fees, log: Log, url: str, spans: Spans | None = None, *, without: str = ""
) -> AsyncIterator[Indexer]:
    """Return an indexer of all contracts but one that begins at the first block."""
    node = IndexedNode(url)
    try:
        named = tuple(each for each in contracts(fees) if each.class_name != without)
        blocks = Blocks(node, CHAIN_ID, named)
        store = StateStore(log, CHAIN_ID, FACTS, STATE)
        yield Indexer(blocks, store, Policy(CHAIN_ID, 0, 0), lambda: NOW, spans)
    finally:
        await node.close()


async def catch_up(indexer: Indexer) -> None:
    """Do all there is to do."""
    while await indexer.step():
        pass


async def events_of(log: Log) -> list[Any]:
    """Return all events of the topic, partition by partition."""
    found = []
    for partition in range(FACTS.partitions):
        place = TopicPartition(CHAIN_EVENTS, partition)
        fetched = await log.fetch({place: 0}, count=100_000)
        found += [decode(record.value) for record in fetched.get(place, ()) if record.value is not None]
    return found


def folded(events: list[Any]) -> Counter[str]:
    """Return how often each fact counts: accepted ones add one, retracted ones take one away."""
    count: Counter[str] = Counter()
    for event in events:
        count[event.data.fact_id] += {"accepted": 1, "retracted": -1, "final": 0}[event.data.finality]
    return count


def amounts(events: list[Any]) -> Counter[tuple[str, str]]:
    """Return the sums of the amounts of the facts that count, by contract and kind."""
    sums: Counter[tuple[str, str]] = Counter()
    for event in events:
        sign = {"accepted": 1, "retracted": -1, "final": 0}[event.data.finality]
        sums[event.data.contract, type(event.data).__name__] += sign * event.data.amount
    return +sums


def amounts_on_chain(fees: Fees) -> Counter[tuple[str, str]]:
    """Return the same sums over the node's own chain."""
    sums: Counter[tuple[str, str]] = Counter()
    for contract in (fees.collector, fees.splitter):
        for event in contract.events():
            if event.name in KINDS:
                sums[padded(contract.address), event.name] += event["amount"]
    return +sums
