"""Reads complete blocks: what the node's index of events says, checked against the contracts' own counts.

Nodes have returned too few events without an error. Each of our contracts counts its events, and says the count as of a
block. Blocks whose events are not the counted ones are read again from their receipts; if these differ as well, nothing
is accepted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from typing import Any, Final, TypeVar

from contracts.clients.contract import At, MissingContractError
from contracts.clients.shared.sequence import SequenceClient
from contracts.indexer.addresses import Contract
from contracts.indexer.chain_state import Block, BlockRef, ChainState, counted_on
from contracts.indexer.decoding import Decoder
from contracts.indexer.errors import BlockGoneError, IncompleteError, NodeError
from contracts.indexer.node import Header, Node, RawEvent

T = TypeVar("T")
READ_BLOCKS: Final = 32
"""Blocks that are read at the same time. It bounds how much is read for nothing when the chain changes meanwhile."""
HISTORY_EVENTS: Final = 100
"""About how many events of final blocks one write accepts."""
Read = Callable[[Sequence[Header], Sequence[str]], Awaitable[list[RawEvent]]]


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
        return await self.with_events(headers, self.contracts, state.sequences)

    async def history(
        self, contracts: Sequence[str], sequences: Mapping[str, int], first: int, last: int
    ) -> tuple[list[Block], Header]:
        """Return the blocks with events from a final block on, and the block up to which they are all that there are.

        They are about as many as one write may hold.

        Raises:
            NodeError: the node gives no answer, or none that agrees with the contracts.
        """
        try:
            return await self._history(contracts, sequences, first, last)
        except BlockGoneError:
            raise
        except NodeError:
            self.read_again += 1
            headers = await _all(self._final(number) for number in range(first, min(first + READ_BLOCKS, last + 1)))
            blocks = await self._complete(headers, contracts, sequences, self._of_receipts)
            return [block for block in blocks if block.counted], headers[-1]

    async def with_events(
        self, headers: Sequence[Header], contracts: Sequence[str], sequences: Mapping[str, int]
    ) -> list[Block]:
        """Return blocks that follow one another with the events of contracts.

        Raises:
            BlockGoneError: the chain was reorganised while it was read.
            NodeError: the node gives no answer, or none that agrees with the contracts.
        """
        try:
            return await self._complete(headers, contracts, sequences, self._of_index)
        except BlockGoneError:
            raise
        except NodeError:
            self.read_again += 1
            return await self._complete(headers, contracts, sequences, self._of_receipts)

    async def sequences(self, block: BlockRef, contracts: Sequence[str]) -> dict[str, int]:
        """Return how many events each of some contracts has emitted up to a block."""
        counts = await _all(self._sequence(contract, At(self.node, block)) for contract in contracts)
        return dict(zip(contracts, counts, strict=True))

    # --- reading ------------------------------------------------------------------------------------------------------

    async def _history(
        self, contracts: Sequence[str], sequences: Mapping[str, int], first: int, last: int
    ) -> tuple[list[Block], Header]:
        end = await self._final(last)
        events, complete = await self.node.events(first, end.ref, contracts, HISTORY_EVENTS)
        until = end if complete == last else await self._final(complete)
        headers = await _all(self._final(number) for number in sorted({event.block.number for event in events}))
        blocks = self._decoded(headers, events)
        await self._check(sequences, blocks, until.ref, contracts)
        return blocks, until

    async def _complete(
        self, headers: Sequence[Header], contracts: Sequence[str], sequences: Mapping[str, int], read: Read
    ) -> list[Block]:
        blocks = self._decoded(headers, await read(headers, contracts))
        await self._check(sequences, blocks, headers[-1].ref, contracts)
        return blocks

    async def _of_index(self, headers: Sequence[Header], contracts: Sequence[str]) -> list[RawEvent]:
        events, _ = await self.node.events(headers[0].ref, headers[-1].ref, contracts)
        return events

    async def _of_receipts(self, headers: Sequence[Header], contracts: Sequence[str]) -> list[RawEvent]:
        found = await _all(self.node.events_of_receipts(header.ref, contracts) for header in headers)
        return [event for events in found for event in events]

    def _decoded(self, headers: Sequence[Header], events: Sequence[RawEvent]) -> list[Block]:
        by_block: dict[BlockRef, list[RawEvent]] = {header.ref: [] for header in headers}
        for event in events:
            if event.block not in by_block:
                raise NodeError(f"the node has an event of another block {event.block.number} than the chain's")
            by_block[event.block].append(event)
        return [self._decoder.block(header, by_block[header.ref]) for header in headers]

    async def _check(
        self, before: Mapping[str, int], blocks: Sequence[Block], last: BlockRef, contracts: Sequence[str]
    ) -> None:
        after = counted_on(before, blocks)
        for contract, number in (await self.sequences(last, contracts)).items():
            if after.get(contract, 0) != number:
                raise IncompleteError(
                    f"the node's events up to block {last.number} have {after.get(contract, 0)} of the contract "
                    f"{contract}, which counts {number}"
                )

    async def _final(self, number: int) -> Header:
        header = await self.node.at(number)
        if header is None:
            raise BlockGoneError(f"the node lacks block {number}")
        return header

    async def _sequence(self, contract: str, at: At) -> int:
        try:
            return await SequenceClient(contract).sequence(at)
        except MissingContractError:
            return 0


async def _all(calls: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """Return the results of calls that run at the same time. The first error ends the others."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(call) for call in calls]
    except ExceptionGroup as exc:
        raise exc.exceptions[0] from None
    return [task.result() for task in tasks]
