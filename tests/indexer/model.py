"""A chain in memory that is reorganised, a node that tells of it, and a store that keeps what it is given."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
from faust_redis.log import LogUnavailableError, SourceMovedError
from starknet_py.hash.selector import get_selector_from_name

from contracts.indexer.addresses import Contract, padded
from contracts.indexer.chain_state import BlockRef, ChainState, Change, Step
from contracts.indexer.errors import BlockGoneError
from contracts.indexer.node import Header, RawEvent
from streams.times import Instant

CHAIN_ID: Final = "SN_MODEL"
CONTRACTS: Final = (Contract("FeeSplitter", padded(0x51)), Contract("FeeSplitter", padded(0x52)))
DISTRIBUTED: Final = get_selector_from_name("FeesDistributed")
SKIPPED: Final = get_selector_from_name("PaymentSkipped")


@dataclass(frozen=True)
class ModelBlock:
    """A block of the chain. `counts` are the contracts' own counts after it."""

    header: Header
    events: tuple[RawEvent, ...]
    counts: Counter[str]


@dataclass
class ModelChain:
    """The canonical chain. Each block that was ever made has a hash of its own."""

    blocks: list[ModelBlock] = field(default_factory=list)
    on_l1: int = -1
    made: int = 0

    def extend(self, emitted: Sequence[tuple[int, bool]]) -> None:
        """Add a block with events: for each the contract, and whether it becomes a fact."""
        number, parent = len(self.blocks), self.blocks[-1] if self.blocks else None
        self.made += 1
        block_hash = padded(int(hashlib.sha256(b"%d" % self.made).hexdigest(), 16) >> 8)
        counts = Counter(parent.counts) if parent else Counter[str]()
        events = []
        for index, (contract, is_fact) in enumerate(emitted):
            address = CONTRACTS[contract].address
            counts[address] += 1
            keys = (DISTRIBUTED if is_fact else SKIPPED, 7)
            data = (counts[address], self.made, 0, 1)
            events.append(RawEvent(BlockRef(number, block_hash), address, keys, data, padded(1 + index), index, 0))
        parent_hash = parent.header.hash if parent else padded(0)
        header = Header(number, block_hash, parent_hash, 1_700_000_000 + self.made)
        self.blocks.append(ModelBlock(header, tuple(events), counts))

    def replace(self, depth: int, blocks: Sequence[Sequence[tuple[int, bool]]]) -> None:
        """Replace the newest blocks, never those on L1, by others."""
        keep = max(self.on_l1 + 1, len(self.blocks) - depth)
        del self.blocks[keep:]
        for emitted in blocks:
            self.extend(emitted)

    def facts(self) -> Counter[tuple[str, str, int]]:
        """Return the facts of the chain: block, contract and the contract's number."""
        return Counter(
            (block.header.hash, event.contract, event.data[0])
            for block in self.blocks
            for event in block.events
            if event.keys[0] == DISTRIBUTED
        )


class ModelNode:
    """Tells of a chain. `before_each` runs before each answer, and may change the chain."""

    def __init__(self, chain: ModelChain, before_each: Callable[[], None] = lambda: None) -> None:
        self.chain = chain
        self.before_each = before_each
        self.loses: Callable[[list[RawEvent]], list[RawEvent]] = lambda events: events
        """What the index of events makes of the events of a block."""
        self.errors = 0
        self.name = CHAIN_ID
        self.spec = "0.10.2"
        self.asked: Counter[str] = Counter()

    async def chain_id(self) -> str:
        return self.name

    async def head(self) -> Header:
        self._ask("head")
        return self.chain.blocks[-1].header

    async def at(self, number: int) -> Header | None:
        self._ask("at")
        return self.chain.blocks[number].header if 0 <= number < len(self.chain.blocks) else None

    async def newest_on_l1(self) -> Header | None:
        self._ask("newest_on_l1")
        return self.chain.blocks[self.chain.on_l1].header if self.chain.on_l1 >= 0 else None

    async def spec_version(self) -> str:
        return self.spec

    async def events(
        self, first: BlockRef | int, last: BlockRef, contracts: Sequence[str], enough: int | None = None
    ) -> tuple[list[RawEvent], int]:
        begin = first if isinstance(first, int) else self._block("events", first).header.number
        end = self._block("events", last).header.number
        found: list[RawEvent] = []
        for block in self.chain.blocks[begin : end + 1]:
            if enough and len(found) >= enough:
                return self.loses(found), block.header.number - 1
            found += _of(contracts, block)
        return self.loses(found), end

    async def events_of_receipts(self, block: BlockRef, contracts: Sequence[str]) -> list[RawEvent]:
        return _of(contracts, self._block("receipts", block))

    async def call(self, contract: str, _: str, block: BlockRef, __: Sequence[int] = ()) -> list[int] | None:
        return [self._block("call", block).counts[contract]]

    def _ask(self, what: str) -> None:
        self.asked[what] += 1
        self.before_each()

    def _block(self, what: str, ref: BlockRef) -> ModelBlock:
        self._ask(what)
        for block in self.chain.blocks:
            if block.header.ref == ref:
                return block
        raise BlockGoneError("the chain has changed")


def _of(contracts: Sequence[str], block: ModelBlock) -> list[RawEvent]:
    return [event for event in block.events if event.contract in contracts]


@dataclass
class ModelLog:
    """What several stores share: the state as it is stored, the number of the write, and all changes of facts."""

    state: bytes = b""
    write: int = 0
    changes: list[Change] = field(default_factory=list)


class ModelStore:
    """Keeps states and changes in a log. `fails` may raise before or after a write."""

    def __init__(self, log: ModelLog, fails: Callable[[], int] = lambda: 0) -> None:
        self._log = log
        self._write = 0
        self._fails = fails

    async def load(self) -> ChainState | None:
        self._write = self._log.write
        return msgspec.json.decode(self._log.state, type=ChainState) if self._log.state else None

    async def write(self, _: ChainState | None, step: Step, now: Instant, contexts: object = None) -> list[Any]:
        when = self._fails()
        if when == 1:
            raise LogUnavailableError("before the write")
        if self._write != self._log.write:
            raise SourceMovedError("another indexer wrote")
        self._log.state, self._log.write = msgspec.json.encode(step.state), self._write + 1
        self._log.changes += step.changes
        self._write += 1
        if when:
            raise LogUnavailableError("after the write")
        return []
