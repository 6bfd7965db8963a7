"""What the fee contracts say at one block, and the calls that settlement makes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from contracts.account.account import Call
from contracts.felts import LOW_BITS, u256
from contracts.indexer.abi import selector
from contracts.indexer.addresses import padded
from contracts.indexer.chain_state import BlockRef
from contracts.indexer.errors import NodeError
from contracts.indexer.node import Node
from contracts.settlement.batches import Batch
from contracts.settlement.errors import SettlementError
from contracts.settlement.hashing import source_felt, totals_calldata
from contracts.settlement.reconciliation import Collector, Splitter

TOKEN_DECIMALS: Final = 6


class FeeContracts:
    """The collector, the splitter and the settlement token on one node."""

    def __init__(self, node: Node, collector: str, splitter: str) -> None:
        self.node = node
        self.collector, self.splitter = collector, splitter
        self._token = ""

    async def check(self, block: BlockRef) -> None:
        """Check that the contracts belong together.

        Raises:
            SettlementError: they do not.
            NodeError: the node gives no answer.
        """
        self._token = padded(await self._one(self.collector, "token", block))
        if padded(await self._one(self.splitter, "token", block)) != self._token:
            raise SettlementError("collector and splitter have different tokens")
        if padded(await self._one(self.collector, "splitter", block)) != self.splitter:
            raise SettlementError(f"the collector {self.collector} sends to another splitter than {self.splitter}")
        if await self._one(self._token, "decimals", block) != TOKEN_DECIMALS:
            raise SettlementError(f"the settlement token {self._token} does not have {TOKEN_DECIMALS} decimals")

    async def last_batch(self, block: BlockRef) -> tuple[int, str]:
        """Return the number and the hash of the collector's last batch."""
        number, found = await self._felts(self.collector, "last_batch", block)
        return number, padded(found)

    async def collector_at(self, block: BlockRef, sources: Iterable[str]) -> Collector:
        """Return what the collector says."""
        by_source = {
            source: await self._u256(self.collector, "total_of", block, source_felt(source)) for source in sources
        }
        return Collector(
            await self.last_batch(block),
            await self._u256(self.collector, "total_settled", block),
            by_source,
            await self._u256(self.collector, "total_swept", block),
            await self._u256(self.collector, "total_surplus", block),
            await self.balance(self.collector, block),
        )

    async def splitter_at(self, block: BlockRef) -> Splitter:
        """Return what the splitter says."""
        return Splitter(
            await self._u256(self.splitter, "total_received", block),
            await self._u256(self.splitter, "total_released", block),
            await self.balance(self.splitter, block),
        )

    async def balance(self, address: str, block: BlockRef) -> int:
        """Return the tokens of an address."""
        return await self._u256(self._token, "balance_of", block, int(address, 16))

    # --- calls --------------------------------------------------------------------------------------------------------

    def settle(self, batch: Batch) -> list[Call]:
        """Return the calls that settle a batch: allow exactly its amount, and let the collector take it."""
        collector = int(self.collector, 16)
        felts = [batch.number, int(batch.previous_hash, 16), int(batch.details, 16), *totals_calldata(batch.totals)]
        return [
            Call(int(self._token, 16), "approve", [collector, *u256(batch.amount)]),
            Call(collector, "settle_batch", felts),
        ]

    def sweep(self) -> Call:
        """Return the call that sends the collector's tokens to the splitter."""
        return Call(int(self.collector, 16), "sweep_fees", [])

    def distribute(self) -> Call:
        """Return the call that pays the beneficiaries."""
        return Call(int(self.splitter, 16), "distribute", [])

    # --- reading ------------------------------------------------------------------------------------------------------

    async def _felts(self, contract: str, function: str, block: BlockRef, *calldata: int) -> list[int]:
        felts = await self.node.call(contract, selector(function), block, calldata)
        if felts is None:
            raise NodeError(f"block {block.number} does not have the contract {contract}")
        return felts

    async def _one(self, contract: str, function: str, block: BlockRef) -> int:
        [felt] = await self._felts(contract, function, block)
        return felt

    async def _u256(self, contract: str, function: str, block: BlockRef, *calldata: int) -> int:
        low, high = await self._felts(contract, function, block, *calldata)
        return low | high << LOW_BITS
