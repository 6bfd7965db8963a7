"""What the fee contracts say at one block, and the calls that settlement makes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Final

from contracts.clients.contract import At, Call
from contracts.clients.fee_collector import FeeCollectorClient
from contracts.clients.fee_splitter import FeeSplitterClient
from contracts.clients.shared.erc20 import ERC20Client, ERC20MetadataClient
from contracts.indexer.chain_state import BlockRef
from contracts.indexer.node import Node
from contracts.settlement.batches import Batch
from contracts.settlement.errors import SettlementError
from contracts.settlement.hashing import source_totals
from contracts.settlement.reconciliation import Beneficiary, Collector, Splitter

TOKEN_DECIMALS: Final = 6


class FeeContracts:
    """The collector, the splitter and the settlement token on one node."""

    def __init__(self, node: Node, collector: str, splitter: str) -> None:
        self.node = node
        self.collector, self.splitter = FeeCollectorClient(collector), FeeSplitterClient(splitter)
        self._token = ERC20Client("0x0")

    @property
    def addresses(self) -> tuple[str, str]:
        """Return the addresses of collector and splitter."""
        return self.collector.address, self.splitter.address

    async def check(self, block: BlockRef) -> None:
        """Check that the contracts belong together.

        Raises:
            SettlementError: they do not.
            NodeError: the node gives no answer.
        """
        at = At(self.node, block)
        token = await self.collector.token(at)
        if await self.splitter.token(at) != token:
            raise SettlementError("collector and splitter have different tokens")
        if await self.collector.splitter(at) != self.splitter.address:
            raise SettlementError(
                f"the collector {self.collector.address} sends to another splitter than {self.splitter.address}"
            )
        if await ERC20MetadataClient(token).decimals(at) != TOKEN_DECIMALS:
            raise SettlementError(f"the settlement token {token} does not have {TOKEN_DECIMALS} decimals")
        self._token = ERC20Client(token)

    async def last_batch(self, block: BlockRef) -> tuple[int, str]:
        """Return the number and the hash of the collector's last batch."""
        return await self.collector.last_batch(At(self.node, block))

    async def collector_at(self, block: BlockRef, sources: Iterable[str]) -> Collector:
        """Return what the collector says."""
        at, named = At(self.node, block), [*sources]
        last, settled, swept, surplus, balance, by_source = await asyncio.gather(
            self.collector.last_batch(at),
            self.collector.total_settled(at),
            self.collector.total_swept(at),
            self.collector.total_surplus(at),
            self.balance(self.collector.address, block),
            asyncio.gather(*(self.collector.total_of(at, source) for source in named)),
        )
        return Collector(last, settled, dict(zip(named, by_source, strict=True)), swept, surplus, balance)

    async def splitter_at(self, block: BlockRef, former: Iterable[str] = ()) -> Splitter:
        """Return what the splitter says, of its beneficiaries and of former ones."""
        at = At(self.node, block)
        shares, received, released, balance = await asyncio.gather(
            self.splitter.shares(at),
            self.splitter.total_received(at),
            self.splitter.total_released(at),
            self.balance(self.splitter.address, block),
        )
        named = sorted({*(share.beneficiary for share in shares), *former})
        found = await asyncio.gather(*(self._beneficiary(at, each) for each in named))
        return Splitter(self.splitter.address, received, released, balance, dict(zip(named, found, strict=True)))

    async def _beneficiary(self, at: At, address: str) -> Beneficiary:
        return Beneficiary(*await asyncio.gather(self.splitter.released(at, address), self.splitter.due(at, address)))

    async def balance(self, address: str, block: BlockRef) -> int:
        """Return the tokens of an address."""
        return await self._token.balance_of(At(self.node, block), address)

    def settle(self, batch: Batch) -> list[Call]:
        """Return the calls that settle a batch: allow exactly its amount, and let the collector take it."""
        totals = source_totals(batch.totals)
        return [
            self._token.approve(self.collector.address, batch.amount),
            self.collector.settle_batch(batch.number, batch.previous_hash, batch.details, totals),
        ]

    def sweep(self) -> Call:
        """Return the call that sends the collector's tokens to the splitter."""
        return self.collector.sweep_fees()

    def distribute(self) -> Call:
        """Return the call that pays the beneficiaries."""
        return self.splitter.distribute()
