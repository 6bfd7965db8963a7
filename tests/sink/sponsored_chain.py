"""A chain in memory with a paymaster, for tests of users' calls. It answers as a test wants."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from starknet_py.hash.selector import get_selector_from_name

from contracts.account.account import Bound, Bounds, RevertsError, Signed
from contracts.account.gas_balance import GAS_TOKEN
from contracts.indexer.addresses import padded
from contracts.indexer.chain_state import BlockRef
from contracts.indexer.errors import NodeError
from contracts.indexer.node import Header, NodeRefusedError
from contracts.sink.sponsoring import MARGIN_PERCENT
from streams.times import SECOND_US
from tests.sink.facts import CHAIN_ID, NOW, REPUTATION

ALLOWANCE, ESTIMATE = 100_000, 3_000_000
STEPS = ESTIMATE * MARGIN_PERCENT // 100 // 100
TODAY_S = NOW // SECOND_US
NAMES = {
    hex(get_selector_from_name(name)): name
    for name in (
        "reputation", "token_of_request", "token_for", "experience", "is_sponsored", "gas_left", "allowance_of",
        "max_price", "is_valid_outside_execution_nonce",
    )
}  # fmt: skip


@dataclass
class Block:
    """What the chain is after a block."""

    time_s: int = TODAY_S
    outcomes: dict[str, str] = field(default_factory=dict)
    """What became of each transaction."""
    sponsored: set[int] = field(default_factory=set)
    used: dict[int, int] = field(default_factory=dict)
    done: set[int] = field(default_factory=set)
    """Requests of mints, and wallets whose experience was recorded."""


class Chain:
    """Node and account of a chain with a paymaster. Each transaction is a block."""

    address = 0x5E4D

    def __init__(self) -> None:
        self.blocks = [Block()]
        self.forks = 0
        self.on_l1 = 0
        self.fails: dict[str, Exception] = {}
        """What the node says when a wallet is asked for its nonce."""
        self.would_revert: set[int] = set()
        """Wallets whose calls would revert in an estimate."""
        self.reverts: set[int] = set()
        """Wallets whose calls revert in a block alone."""
        self.refuses: set[int] = set()
        """Wallets whose transactions the node does not take."""
        self.prepared = 0
        self.holds = False
        """Whether transactions that the node takes are in no block until `release`."""
        self.held: list[Signed] = []
        self.is_paused = False
        self.is_away = False
        """Whether the node estimates nothing."""
        self.balances_asked = 0
        self.sent: list[int] = []
        """The wallet of each transaction; 0 for one without."""
        self.bounds_sent: list[Bounds] = []

    def grow(self, **changes: Any) -> None:
        """Make a block like the one before, with some changes."""
        self.blocks.append(deepcopy(self.blocks[-1]))
        for name, value in changes.items():
            setattr(self.blocks[-1], name, value)

    def replace(self, height: int) -> None:
        """Replace the blocks above a height by an empty one."""
        del self.blocks[height + 1 :]
        self.forks += 1
        self.grow()

    async def chain_id(self) -> str:
        return CHAIN_ID

    async def head(self) -> Header:
        return self._header(len(self.blocks) - 1)

    async def at(self, number: int) -> Header | None:
        return self._header(number)

    async def newest_on_l1(self) -> Header | None:
        return self._header(self.on_l1)

    def _header(self, number: int) -> Header:
        return Header(number, padded(number + 1000 * self.forks), padded(0), self.blocks[number].time_s)

    async def call(self, contract: str, selector: str, block: BlockRef, calldata: Any = ()) -> list[int]:
        if contract == GAS_TOKEN:
            self.balances_asked += 1
            return [7 * 10**18, 0]
        name, state, about = NAMES[selector], self.blocks[block.number], calldata[0] if calldata else 0
        if name == "is_valid_outside_execution_nonce" and (error := self.fails.get(contract)):
            raise error
        is_done = int(about in state.done)
        return {
            "reputation": [int(REPUTATION, 16)], "token_of_request": [is_done, 0], "token_for": [0, 0],
            "experience": [is_done * 10**6], "is_sponsored": [int(about in state.sponsored)],
            "gas_left": [ALLOWANCE - state.used.get(about, 0)],
            "allowance_of": [ALLOWANCE], "max_price": [250_000, 0], "is_valid_outside_execution_nonce": [1],
        }[name]  # fmt: skip

    async def nonce(self, _: str = "", block: BlockRef | None = None) -> int:
        return len(self.blocks[block.number if block else -1].outcomes)

    async def bounds(self, calls: Any, _: int, margin_percent: int) -> Bounds:
        if self.is_away:
            raise NodeError("no answer")
        if self.is_paused:
            raise RevertsError("Pausable: paused")
        if len(calls) > 1 and calls[1].to in self.would_revert:
            raise RevertsError("no")
        return {
            "L1_GAS": Bound(0, 9), "L1_DATA": Bound(0, 9), "L2_GAS": Bound(ESTIMATE * margin_percent // 100, 2),
        }  # fmt: skip

    async def prepare(self, calls: Any, nonce: int, bounds: Bounds | None = None) -> Signed:
        self.prepared += 1
        tx_hash = padded(0x7000 + self.prepared)
        return Signed("invoke", tx_hash, nonce, {"calls": calls, "bounds": bounds, "hash": tx_hash})

    async def send(self, signed: Signed) -> None:
        calls, bounds = signed.content["calls"], signed.content["bounds"]
        wallet = calls[1].to if bounds else 0
        if wallet in self.refuses:
            raise NodeRefusedError("starknet_addInvokeTransaction", 63, "no")
        assert signed.nonce == await self.nonce()
        self.sent.append(wallet)
        if self.holds:
            self.held.append(signed)
        else:
            self._execute(signed)

    def release(self) -> None:
        """Make blocks of the transactions that are held."""
        while self.held:
            self._execute(self.held.pop(0))

    def _execute(self, signed: Signed) -> None:
        calls, bounds = signed.content["calls"], signed.content["bounds"]
        self.grow()
        block, is_reverted = self.blocks[-1], bool(bounds) and calls[1].to in self.reverts
        block.outcomes[signed.content["hash"]] = "reverted" if is_reverted else "succeeded"
        if bounds:
            self.bounds_sent.append(bounds)
        else:
            block.done |= {call.calldata[0] for call in calls}
        if bounds and not is_reverted:
            request, user, gas = calls[0].calldata[:3]
            block.sponsored.add(request)
            block.used[user] = block.used.get(user, 0) + gas

    async def outcome(self, tx_hash: str) -> tuple[str, str]:
        return self.blocks[-1].outcomes.get(tx_hash, "unknown"), ""
