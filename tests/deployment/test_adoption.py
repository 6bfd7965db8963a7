"""Which block is final for `astratrade chain adopt`."""

from __future__ import annotations

from typing import Any

import pytest

from contracts.indexer.addresses import padded
from contracts.indexer.chain_state import BlockRef
from contracts.indexer.node import Header
from deploy.chain_adoption import _final_block
from deploy.errors import DeployError
from deploy.settings import load


class ShortChain:
    """A node whose chain has three blocks, none of them on L1. It refuses negative numbers, as nodes do."""

    async def at(self, number: int) -> Header | None:
        assert number >= 0
        return Header(number, padded(number), padded(0), 0)

    async def newest_on_l1(self) -> None:
        return None


@pytest.mark.parametrize("final_after", [0, 3, 100])
async def test_a_chain_without_a_final_block_says_so(final_after: int) -> None:
    node: Any = ShortChain()
    with pytest.raises(DeployError, match="no block is final yet"):
        await _final_block(node, load(indexer_final_after=final_after), BlockRef(2, padded(2)))


async def test_a_block_is_final_after_so_many_more() -> None:
    node: Any = ShortChain()
    assert (await _final_block(node, load(indexer_final_after=2), BlockRef(2, padded(2)))).number == 0
