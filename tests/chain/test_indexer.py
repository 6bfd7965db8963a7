"""The indexer on a real node: the facts in the log are those of the node's chain, whatever happens to either."""

from __future__ import annotations

from faust_redis.log import Log

from tests.chain.fees import Fees
from tests.chain.indexing import amounts, amounts_on_chain, catch_up, events_of, folded, indexer_of


async def test_events_become_facts(fees: Fees, log: Log) -> None:
    fees.settle({"trading": 700, "nft": 40})
    fees.collector.invoke("sweep_fees")
    fees.splitter.invoke("distribute")
    async with indexer_of(fees, log) as indexer:
        await catch_up(indexer)
        events = await events_of(log)
        assert {type(event.data).__name__ for event in events} == {"BatchSettled", "FeesSwept", "FeesDistributed"}
        assert amounts(events) == amounts_on_chain(fees)
        [settled] = [event.data for event in events if type(event.data).__name__ == "BatchSettled"]
        assert {total.source: total.amount for total in settled.totals} == {"trading": 700, "nft": 40}


async def test_replaced_blocks_are_retracted(fees: Fees, log: Log) -> None:
    node = fees.chain.node
    fees.settle({"trading": 700})
    kept = node.height()
    async with indexer_of(fees, log) as indexer:
        fees.collector.invoke("sweep_fees")
        fees.splitter.invoke("distribute")
        await catch_up(indexer)
        node.abort_to(kept)
        node.advance(5)
        fees.settle({"nft": 9})
        await catch_up(indexer)
        events = await events_of(log)
        assert amounts(events) == amounts_on_chain(fees)
        assert sum(event.data.finality == "retracted" for event in events) == 4
        assert set(folded(events).values()) == {0, 1}
        assert indexer.counts.reorgs == 1
