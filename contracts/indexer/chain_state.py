"""What the indexer knows of the chain, and how reading, reorganisations and finality change it. Has no I/O.

Every change is a `Step`: what happened to facts, in order, and the state afterwards. Facts and state are written
together, so each state in the log is one of these.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Literal, NamedTuple

import msgspec
from msgspec.structs import replace

from contracts.indexer.errors import FinalBlockReplacedError, IncompleteError

GENESIS_PARENT: Final = f"0x{0:064x}"
Finality = Literal["accepted", "final", "retracted"]


class BlockRef(msgspec.Struct, frozen=True):
    """The number and the hash of a block."""

    number: int
    hash: str


BEFORE_GENESIS: Final = BlockRef(-1, GENESIS_PARENT)


class Fact(msgspec.Struct, frozen=True):
    """One event of a contract that readers of the log get.

    Attributes:
        id: A hash of the chain, the block, the transaction, and the place of the event in the transaction.
        contract: The address of the contract.
        kind: The name of the event.
        data: The event's content as JSON.
    """

    id: str
    contract: str
    kind: str
    data: str


class Counted(msgspec.Struct, frozen=True):
    """The numbers that a contract gave to its events in one block: the first and the last, without a gap."""

    first: int
    last: int


class Block(msgspec.Struct, frozen=True):
    """A block and what our contracts emitted in it. `time_s` is the block's Unix time in seconds."""

    number: int
    hash: str
    parent_hash: str
    time_s: int
    facts: tuple[Fact, ...] = ()
    counted: dict[str, Counted] = {}

    @property
    def ref(self) -> BlockRef:
        """Return the number and the hash."""
        return BlockRef(self.number, self.hash)


class Change(NamedTuple):
    """What happened to a fact."""

    finality: Finality
    fact: Fact
    block: Block


class ChainState(msgspec.Struct, frozen=True):
    """What the log holds of a chain.

    Attributes:
        cursor: The last block whose facts are in the log.
        final: The last block that can no longer be replaced; at the start, the block before the first one.
        sequences: The number of the last event of each contract, up to the cursor.
        blocks: All blocks after `final` up to the cursor, without gaps.
        joining: The contracts that are read later than the others: the last block that was read for each. Until it is
            the final one, the blocks do not have their events.
    """

    cursor: BlockRef
    final: BlockRef
    sequences: dict[str, int]
    blocks: tuple[Block, ...] = ()
    joining: dict[str, int] = {}

    @classmethod
    def starting_after(cls, origin: BlockRef) -> ChainState:
        """Return the state before the first block is read."""
        return cls(origin, origin, {})

    def hash_at(self, number: int) -> str:
        """Return the hash of a block from the final one up to the cursor."""
        return self.final.hash if number == self.final.number else self.blocks[number - self.final.number - 1].hash


class Step(NamedTuple):
    """The next state, and the facts that are accepted, retracted or made final on the way to it, in order."""

    changes: tuple[Change, ...]
    state: ChainState

    def then(self, other: Step) -> Step:
        """Return both steps as one; the other one begins where this one ends."""
        return Step(self.changes + other.changes, other.state)


def extended(state: ChainState, blocks: Sequence[Block]) -> Step:
    """Accept the blocks after the cursor, in order.

    Raises:
        IncompleteError: a block does not follow the one before, or a contract's numbers have a gap.
    """
    last = state.cursor
    for block in blocks:
        if block.number != last.number + 1 or block.parent_hash != last.hash:
            raise IncompleteError(f"block {block.number} ({block.hash}) does not follow block {last.number}")
        last = block.ref
    sequences = counted_on(state.sequences, blocks)
    changes = tuple(Change("accepted", fact, block) for block in blocks for fact in block.facts)
    return Step(changes, replace(state, cursor=last, sequences=sequences, blocks=(*state.blocks, *blocks)))


def counted_on(sequences: Mapping[str, int], blocks: Sequence[Block]) -> dict[str, int]:
    """Return the numbers of the contracts' last events after some blocks.

    Raises:
        IncompleteError: they have a gap.
    """
    after = dict(sequences)
    for block in blocks:
        for contract, counted in block.counted.items():
            if counted.first != after.get(contract, 0) + 1:
                raise IncompleteError(
                    f"block {block.number} has event {counted.first} of the contract {contract} after event "
                    f"{after.get(contract, 0)}"
                )
            after[contract] = counted.last
    return after


def leapt(state: ChainState, blocks: Sequence[Block], until: BlockRef) -> Step:
    """Move to a final block after the cursor. The blocks are those with events on the way, which are final, too.

    Raises:
        IncompleteError: a contract's numbers have a gap.
    """
    if state.blocks:
        raise ValueError("blocks that are not final would be passed over")
    sequences = counted_on(state.sequences, blocks)
    return Step(_final_at_once(blocks), replace(state, cursor=until, final=until, sequences=sequences))


def told(state: ChainState, contract: str, blocks: Sequence[Block], until: int) -> Step:
    """Accept the events of a joining contract in final blocks, up to one of them.

    Raises:
        IncompleteError: its numbers have a gap.
    """
    if until > state.final.number:
        raise ValueError("blocks that are not final have rows")
    sequences = counted_on(state.sequences, blocks)
    joining = state.joining | {contract: until}
    return Step(_final_at_once(blocks), replace(state, sequences=sequences, joining=joining))


def joined(state: ChainState, contract: str, blocks: Sequence[Block]) -> Step:
    """Accept the events of a joining contract in the blocks that are not final; it is then like the others.

    Raises:
        IncompleteError: its numbers have a gap.
    """
    sequences = counted_on(state.sequences, blocks)
    joining = {each: number for each, number in state.joining.items() if each != contract}
    merged = tuple(
        replace(old, facts=(*old.facts, *new.facts), counted=old.counted | new.counted)
        for old, new in zip(state.blocks, blocks, strict=True)
    )
    changes = tuple(Change("accepted", fact, block) for block in blocks for fact in block.facts)
    return Step(changes, replace(state, sequences=sequences, blocks=merged, joining=joining))


def _final_at_once(blocks: Sequence[Block]) -> tuple[Change, ...]:
    kinds: tuple[Finality, Finality] = ("accepted", "final")
    return tuple(Change(kind, fact, block) for block in blocks for fact in block.facts for kind in kinds)


def rolled_back(state: ChainState, number: int) -> Step:
    """Retract all blocks above a number, the newest fact first.

    Raises:
        FinalBlockReplacedError: the final block is above the number.
    """
    if number < state.final.number:
        raise FinalBlockReplacedError(
            f"the node's chain has another block {state.final.number} than {state.final.hash}, which was final: the "
            "node is of another network, or the network was started again. Facts that are final are not retracted. "
            "Use another node, or another namespace for another network."
        )
    kept = number - state.final.number
    gone = state.blocks[kept:][::-1]
    sequences = dict(state.sequences)
    for block in gone:
        sequences |= {contract: counted.first - 1 for contract, counted in block.counted.items()}
    changes = tuple(Change("retracted", fact, block) for block in gone for fact in block.facts[::-1])
    cursor = BlockRef(number, state.hash_at(number))
    return Step(changes, replace(state, cursor=cursor, sequences=sequences, blocks=state.blocks[:kept]))


def finalised(state: ChainState, number: int) -> Step:
    """Make all blocks final up to a number, at most up to the cursor."""
    until = min(number, state.cursor.number)
    if until <= state.final.number:
        return Step((), state)
    passed = until - state.final.number
    changes = tuple(Change("final", fact, block) for block in state.blocks[:passed] for fact in block.facts)
    return Step(changes, replace(state, final=BlockRef(until, state.hash_at(until)), blocks=state.blocks[passed:]))
