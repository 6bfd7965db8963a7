"""Follow the chain of a node: accept new blocks, retract replaced ones, and make final what can no longer be replaced.

Each step is one write of facts and state. A killed indexer resumes after its last write, and two indexers never write a
fact twice.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from msgspec.structs import replace

from contracts.connector import Connector
from contracts.indexer.blocks import READ_BLOCKS, Blocks
from contracts.indexer.chain_state import (
    BEFORE_GENESIS,
    Block,
    BlockRef,
    ChainState,
    Step,
    extended,
    finalised,
    joined,
    leapt,
    rolled_back,
    told,
)
from contracts.indexer.errors import (
    BlockGoneError,
    IndexerError,
    NodeError,
    OtherChainError,
    OtherSpecError,
    UnknownPastError,
)
from contracts.indexer.node import Header
from contracts.indexer.store import StateStore
from contracts.indexer.tracing import StepSpan
from streams.spans import Spans
from streams.times import SECOND_US, Instant

FAR_BLOCKS: Final = 64
"""So many unread final blocks are read as a range, of which only those with events are looked at."""
RANGE_BLOCKS: Final = 10_000
"""The longest range that a node is asked for at once."""
SPEC: Final = ("0", "10")
"""The version of the protocol that a node has to speak. Earlier ones do not say the place of an event in its block."""
WRITE_SIZE: Final = 200
"""About how many blocks and facts a write changes, which bounds how long it blocks the server. A block stays whole."""

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class IndexerCounts:
    """Counts since the start, and the places that the indexer knows.

    Attributes:
        head: The node's newest block; -1 while it is unknown.
        head_time_s: The time of that block (Unix seconds); NaN while it is unknown.
        cursor: The last block whose facts are in the log; -1 for none.
        cursor_time_s: The time of that block (Unix seconds); 0 while it is unknown.
        final: The last final block; -1 for none.
        open_blocks: Blocks in the log that are not final.
        accepted: Facts that this indexer accepted.
        retracted: Facts that it retracted.
        reorgs: Times that the chain had replaced blocks of the log.
        replaced: Blocks of the log that the chain had replaced.
        refused: Writes that the log refused because another indexer was first.
        worked_s: When the indexer last reached node and log, by the monotonic clock; -inf for never.
    """

    head: int = -1
    head_time_s: float = math.nan
    cursor: int = -1
    cursor_time_s: int = 0
    final: int = -1
    open_blocks: int = 0
    accepted: int = 0
    retracted: int = 0
    reorgs: int = 0
    replaced: int = 0
    refused: int = 0
    worked_s: float = -math.inf


@dataclass(frozen=True, slots=True)
class Policy:
    """From where on, and when a block is final.

    Attributes:
        chain_id: The id of the chain, such as SN_MAIN.
        start: The first block to read.
        final_after: How many blocks later a block is final; 0 to wait until Ethereum has accepted its proof.
        first_blocks: The first block to read of contracts that were added later.
    """

    chain_id: str
    start: int
    final_after: int
    first_blocks: Mapping[str, int] = field(default_factory=dict)


class Indexer(Connector):
    """A source connector from a chain to the log."""

    doing, fatal = "indexing", IndexerError
    counts: IndexerCounts

    def __init__(
        self,
        blocks: Blocks,
        store: StateStore,
        policy: Policy,
        now: Callable[[], Instant],
        spans: Spans | None = None,
    ) -> None:
        self.counts = IndexerCounts()
        self._blocks = blocks
        self._node = blocks.node
        self._store = store
        self._policy = policy
        self._now = now
        self._spans = spans
        self._state: ChainState | None = None
        self._goes_back = False  # the last step retracted blocks

    async def open(self) -> ChainState:
        """Check that the node is of the right chain, and return the state in the log.

        Raises:
            OtherSpecError: the node speaks another version of the protocol.
            OtherChainError: the node or the log is of another chain.
            UnknownPastError: a contract has emitted events that the log would miss.
        """
        spec = await self._node.spec_version()
        if tuple(spec.split(".")[: len(SPEC)]) != SPEC:
            raise OtherSpecError(
                f"the node speaks version {spec} of Starknet's RPC, and the indexer needs {'.'.join(SPEC)}: let "
                "ASTRA_STARKNET_NODE_URL name a path for that version, such as …/rpc/v0_10, or another node"
            )
        chain_id = await self._node.chain_id()
        if chain_id != self._policy.chain_id:
            raise OtherChainError(f"the node is of the chain {chain_id}, and the settings name {self._policy.chain_id}")
        state = await self._store.load()
        if state is None:
            state = ChainState.starting_after(await self._origin())
        state = await self._with_late_contracts(state)
        self._reach(state)
        return state

    @property
    def behind_blocks(self) -> int:
        """Return how many blocks of the node's chain are not in the log."""
        return max(0, self.counts.head - self.counts.cursor)

    def behind_s(self) -> float:
        """Return how old the last block in the log is while there are newer ones, in seconds; 0 when there are none."""
        if not self.behind_blocks or not self.counts.cursor_time_s:
            return 0.0
        return max(0.0, self._now() / SECOND_US - self.counts.cursor_time_s)

    async def _step(self) -> bool:
        span = StepSpan(self._spans)
        try:
            return await self._write_next(span)
        except BlockGoneError:
            raise  # nothing has failed
        except NodeError as exc:
            span.failed(exc)
            raise

    async def _write_next(self, span: StepSpan) -> bool:
        state = self._state or await self.open()
        head = await self._node.head()
        self.counts.head, self.counts.head_time_s = head.number, head.time_s
        step = await self._next(state, head)
        if step.state == state:
            self.counts.worked_s = time.monotonic()
            return False
        span.written(step, await self._store.write(state, step, self._now(), span.draw(step)))
        self._note(state, step)
        self._reach(step.state)
        return True

    def _forget(self) -> None:
        self._state = None

    # --- deciding -----------------------------------------------------------------------------------------------------

    async def _next(self, state: ChainState, head: Header) -> Step:
        common = await self._newest_common(state, head)
        if common < state.cursor.number:
            if await self._node.at(common + 1) is None:
                return Step((), state)  # the node is behind, or its chain has not grown again: nothing is replaced yet
            return rolled_back(state, common if common < state.final.number else max(common, _portion_back(state)))
        if state.joining:
            return await self._join(state)
        if (far := await self._far_final(state, head)) is not None:
            return far
        blocks = await self._blocks.after(state, min(READ_BLOCKS, head.number - state.cursor.number))
        step = extended(state, portion := _portion(blocks))
        if portion:
            self.counts.cursor_time_s = portion[-1].time_s
        return step.then(finalised(step.state, await self._final_number(step.state, head)))

    async def _newest_common(self, state: ChainState, head: Header) -> int:
        """Return the number of the newest block of the log that the node's chain has; below the final one for none."""
        if head.ref == state.cursor:
            return head.number
        if head.number < state.final.number:
            raise NodeError(f"the node does not have block {state.final.number} yet, which is final in the log")
        number = min(state.cursor.number, head.number)
        while number >= max(0, state.final.number):
            header = await self._node.at(number)
            if header is not None and header.hash == state.hash_at(number):
                break
            number -= 1
        return number

    async def _far_final(self, state: ChainState, head: Header) -> Step | None:
        """Return a step over blocks that are final already; None when there are not many."""
        if head.number - state.cursor.number < FAR_BLOCKS:
            return None
        last = min(await self._newest_final(head), state.cursor.number + RANGE_BLOCKS)
        if last - state.cursor.number < FAR_BLOCKS:
            return None
        if state.blocks:
            return finalised(state, await self._final_number(state, head))
        first = state.cursor.number + 1
        blocks, until = await self._blocks.history(self._blocks.contracts, state.sequences, first, last)
        self.counts.cursor_time_s = until.time_s
        return leapt(state, blocks, until.ref)

    async def _join(self, state: ChainState) -> Step:
        """Return the next step of a contract that is read later than the others."""
        contract, before = next(iter(state.joining.items()))
        sequences = {contract: state.sequences.get(contract, 0)}
        if before < state.final.number:
            last = min(state.final.number, before + RANGE_BLOCKS)
            blocks, until = await self._blocks.history([contract], sequences, before + 1, last)
            return told(state, contract, blocks, until.number)
        headers = [Header(block.number, block.hash, block.parent_hash, block.time_s) for block in state.blocks]
        blocks = await self._blocks.with_events(headers, [contract], sequences) if headers else []
        logger.info("the contract %s is read up to block %d, like the others", contract, state.cursor.number)
        return joined(state, contract, blocks)

    async def _newest_final(self, head: Header) -> int:
        newest = head if self._policy.final_after else await self._node.newest_on_l1()
        return -1 if newest is None else newest.number - self._policy.final_after

    async def _final_number(self, state: ChainState, head: Header) -> int:
        """Return up to which block the log's blocks are final; at most one write's facts further than now."""
        number = min(await self._newest_final(head), state.cursor.number, _portion_final(state))
        if number <= state.final.number:
            return state.final.number
        header = await self._node.at(number)
        return number if header is not None and header.hash == state.hash_at(number) else state.final.number

    async def _origin(self) -> BlockRef:
        if self._policy.start == 0:
            return BEFORE_GENESIS
        header = await self._node.at(self._policy.start - 1)
        if header is None:
            raise NodeError(f"the node does not have block {self._policy.start - 1} yet, after which indexing begins")
        return header.ref

    async def _with_late_contracts(self, state: ChainState) -> ChainState:
        """Return the state in which contracts that emitted events before they were named begin to join."""
        known = state.sequences.keys() | state.joining.keys()
        new = [contract for contract in self._blocks.contracts if contract not in known]
        if not new or state.cursor == BEFORE_GENESIS:
            return state
        try:
            counts = await self._blocks.sequences(state.cursor, new)
        except BlockGoneError:
            return state  # the blocks that replace it are checked like all others
        late = {contract: await self._before_first(contract) for contract in new if counts[contract]}
        return replace(state, joining=state.joining | late)

    async def _before_first(self, contract: str) -> int:
        """Return the block before the first one to read of a contract, which had emitted nothing up to it.

        Raises:
            UnknownPastError: it had.
        """
        first = self._policy.first_blocks.get(contract, self._policy.start)
        before = await self._node.at(first - 1) if first else None
        if before is None:
            return first - 1
        counts = await self._blocks.sequences(before.ref, [contract])
        if counts[contract]:
            raise UnknownPastError(
                f"the contract {contract} has emitted {counts[contract]} events up to block {before.number}, after "
                f"which its indexing would begin: name an earlier first block than {first} in ASTRA_INDEXER_CONTRACTS"
            )
        return before.number

    # --- counting -----------------------------------------------------------------------------------------------------

    def _note(self, before: ChainState, step: Step) -> None:
        counts, replaced = self.counts, before.cursor.number - step.state.cursor.number
        counts.accepted += sum(change.finality == "accepted" for change in step.changes)
        counts.retracted += sum(change.finality == "retracted" for change in step.changes)
        if replaced > 0:
            counts.reorgs += not self._goes_back
            counts.replaced += replaced
            logger.warning(
                "the chain replaced %d blocks after block %d: %d facts are retracted",
                replaced, step.state.cursor.number, len(step.changes),
            )  # fmt: skip
        self._goes_back = replaced > 0

    def _reach(self, state: ChainState) -> None:
        self._state = state
        counts = self.counts
        counts.cursor, counts.final, counts.open_blocks = state.cursor.number, state.final.number, len(state.blocks)
        counts.worked_s = time.monotonic()


def _portion(blocks: Sequence[Block]) -> Sequence[Block]:
    """Return the first blocks, as many as one write may hold, at least one."""
    size = 0
    for i, block in enumerate(blocks):
        size += 1 + len(block.facts)
        if i and size > WRITE_SIZE:
            return blocks[:i]
    return blocks


def _portion_back(state: ChainState) -> int:
    """Return the number of the block to which one write may go back."""
    return state.cursor.number - len(_portion(state.blocks[::-1]))


def _portion_final(state: ChainState) -> int:
    """Return the number of the last block that one write may make final."""
    return state.final.number + len(_portion(state.blocks))
