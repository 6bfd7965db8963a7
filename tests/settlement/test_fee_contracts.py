"""The contracts are asked all at once, so that an audit takes about as long as a few answers of the node."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from starknet_py.hash.selector import get_selector_from_name

from contracts.indexer.addresses import padded
from contracts.indexer.chain_state import BlockRef
from contracts.settlement.fee_contracts import FeeContracts

BLOCK = BlockRef(7, padded(7))
SHARES = get_selector_from_name("shares")


class SlowNode:
    """Answers after a while, and counts the calls that wait at the same time."""

    def __init__(self) -> None:
        self.waiting = self.most = 0

    async def call(self, _: str, selector: str, block: BlockRef, calldata: Sequence[int] = ()) -> list[int]:
        assert block == BLOCK
        self.waiting += 1
        self.most = max(self.most, self.waiting)
        await asyncio.sleep(0.01)
        self.waiting -= 1
        return [2, 8, 600_000, 9, 400_000] if int(selector, 16) == SHARES else [len(calldata), 0]


async def test_the_contracts_are_asked_at_once() -> None:
    node: Any = SlowNode()
    contracts = FeeContracts(node, padded(2), padded(3))
    collector = await contracts.collector_at(BLOCK, [f"source {number}" for number in range(10)])
    assert len(collector.by_source) == 10
    assert node.most == 15
    node.most = 0
    splitter = await contracts.splitter_at(BLOCK, [padded(number) for number in range(9, 15)])
    assert [*splitter.beneficiaries] == [padded(number) for number in range(8, 15)], "present and former ones"
    assert node.most == 14, "two questions for each"
