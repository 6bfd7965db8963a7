"""Reads complete blocks: what the node's index of events says, checked against the contracts' own counts.

Nodes have returned too few events without an error. Each of our contracts counts its events, and says the count as of a
block. Blocks whose events are not the counted ones are read again from their receipts; if these differ as well, nothing
is accepted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable, Sequence
from typing import Any, TypeVar

from contracts.clients.contract import At, MissingContractError
from contracts.clients.shared.sequence import SequenceClient
from contracts.indexer.addresses import Contract
from contracts.indexer.chain_state import Block, BlockRef, ChainState, extended
from contracts.indexer.decoding import Decoder
from contracts.indexer.errors import BlockGoneError, IncompleteError, NodeError
from contracts.indexer.node import Header, Node

T = TypeVar("T")


class Blocks:
    """Reads the blocks of one chain for a set of contracts.

    Attributes:
        read_again: Portions of blocks that were read from receipts, because the node's index was wrong.
    """

    def __init__(self, node: Node, chain_id: str, contracts: tuple[Contract, ...]) -> None:
        self.node = node
        self.read_again = 0
        self.contracts = tuple(contract.address for contract in contracts)
        self._decoder = Decoder(chain_id, contracts)

    async def after(self, state: ChainState, count: int) -> list[Block]:
        """Return the next blocks after the cursor, at most so many, complete and in order.

        Return none when the block after the cursor does not follow it: the chain has been reorganised.

        Raises:
            BlockGoneError: the chain was reorganised while it was read.
            NodeError: the node gives no answer, or none that agrees with the contracts.
        """
        first = state.cursor.number + 1
        found = await _all(self.node.at(number) for number in range(first, first + count))
        headers = [header for header in found if header is not None]
        if not headers or headers[0].parent_hash != state.cursor.hash:
            return []
        if [header.number for header in headers] != list(range(first, first + len(headers))):
            raise BlockGoneError(f"the node lacks a block between {first} and {headers[-1].number}")
        expected = await self.sequences(headers[-1].ref)
        try:
            return await self._checked(state, headers, expected, from_receipts=False)
        except BlockGoneError:
            raise
        except NodeError:
            self.read_again += 1
            return await self._checked(state, headers, expected, from_receipts=True)

    async def sequences(self, block: BlockRef) -> dict[str, int]:
        """Return how many events each contract has emitted up to a block."""
        counts = await _all(self._sequence(contract, At(self.node, block)) for contract in self.contracts)
        return dict(zip(self.contracts, counts, strict=True))

    async def _sequence(self, contract: str, at: At) -> int:
        try:
            return await SequenceClient(contract).sequence(at)
        except MissingContractError:
            return 0

    async def _checked(
        self, state: ChainState, headers: Sequence[Header], expected: dict[str, int], *, from_receipts: bool
    ) -> list[Block]:
        read = self.node.events_of_receipts if from_receipts else self.node.events
        events = await _all(read(header.ref, self.contracts) for header in headers)
        blocks = [self._decoder.block(header, found) for header, found in zip(headers, events, strict=True)]
        sequences = extended(state, blocks).state.sequences
        for contract, number in expected.items():
            if sequences.get(contract, 0) != number:
                raise IncompleteError(
                    f"the node's events up to block {headers[-1].number} have {sequences.get(contract, 0)} of the "
                    f"contract {contract}, which counts {number}"
                )
        return blocks


async def _all(calls: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """Return the results of calls that run at the same time. The first error ends the others."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(call) for call in calls]
    except ExceptionGroup as exc:
        raise exc.exceptions[0] from None
    return [task.result() for task in tasks]
